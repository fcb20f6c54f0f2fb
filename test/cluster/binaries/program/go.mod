module nodesweep.io/test/cluster/program

go 1.26.0
