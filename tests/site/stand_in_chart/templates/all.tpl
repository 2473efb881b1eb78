apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  message: {{ .Values.message | quote }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicas }}
  minReadySeconds: {{ .Values.startSeconds }}
  selector:
    matchLabels: {app: {{ .Release.Name }}}
  template:
    metadata:
      labels: {app: {{ .Release.Name }}}
    spec:
      nodeSelector: {{ .Values.nodeSelector | toJson }}
      containers:
        - name: main
          image: {{ .Values.image }}
---
apiVersion: v1
kind: Secret
metadata:
  name: {{ .Release.Name }}
  annotations: {helm.sh/resource-policy: keep}
stringData:
  password: {{ .Values.message | quote }}
{{- if .Values.failingHook }}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-hook
  annotations: {helm.sh/hook: "pre-install,pre-upgrade"}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      nodeSelector: {no-such: node}
      containers:
        - name: main
          image: {{ .Values.image }}
{{- end }}
{{- range $path, $text := .Files.Glob "more/*.json" }}
---
{{ $text | toString }}
{{- end }}
