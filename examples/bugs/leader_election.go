// SPDX-License-Identifier: Apache-2.0

// Planted bug: leader election with a race. Each of two guests looks whether there is a leader and,
// when there is none, writes its name down and leads. Both may have looked before either has
// written.
// weft test --empty-dir /shared go_leader_election.wasm one ::: go_leader_election.wasm two
package main

import (
	"fmt"
	"os"
)

func main() {
	name := os.Args[1]
	if _, err := os.Stat("/shared/leader"); err == nil {
		return // Somebody leads.
	}
	if err := os.WriteFile("/shared/leader", []byte(name), 0o644); err != nil {
		os.Exit(9)
	}
	if err := os.WriteFile("/shared/leads-"+name, nil, 0o644); err != nil {
		os.Exit(9)
	}
	other := map[string]string{"one": "two", "two": "one"}[name]
	if _, err := os.Stat("/shared/leads-" + other); err == nil {
		fmt.Fprintln(os.Stderr, "two leaders")
		os.Exit(1)
	}
}
