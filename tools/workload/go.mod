module platform.ops/tools/workload

go 1.26.0
