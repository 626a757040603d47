module weft/go_conformance

go 1.23
