// Copyright: (c) 2026, platform.ops contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Sets one value in a file the way Kustomize's setters do: read into kyaml, set the field, write back.
// usage: kyaml-set FILE NAME VALUE KEY...   (NAME: metadata.name of the object; a KEY may be [name=app] or an index)
package main

import (
	"bytes"
	"fmt"
	"os"

	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/kio/kioutil"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(file, name, value string, keys []string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	found := false
	set := kio.FilterFunc(func(nodes []*yaml.RNode) ([]*yaml.RNode, error) {
		for _, node := range nodes {
			if node.GetName() != name || node.GetKind() == "ConfigMap" {
				continue
			}
			leaf, err := node.Pipe(yaml.Lookup(keys...))
			if err != nil {
				return nil, err
			}
			if leaf == nil {
				return nil, fmt.Errorf("no such field")
			}
			leaf.YNode().Value = value
			found = true
		}
		return nodes, nil
	})
	err = kio.Pipeline{
		Inputs:  []kio.Reader{&kio.ByteReader{Reader: bytes.NewReader(data), PreserveSeqIndent: true}},
		Filters: []kio.Filter{set},
		Outputs: []kio.Writer{kio.ByteWriter{Writer: &out, ClearAnnotations: []string{
			kioutil.IndexAnnotation, kioutil.SeqIndentAnnotation, kioutil.LegacyIndexAnnotation,
		}}},
	}.Execute()
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("%s not found", name)
	}
	return os.WriteFile(file, out.Bytes(), 0o644)
}
