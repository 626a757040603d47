// SPDX-License-Identifier: Apache-2.0

// Prints a greeting, its arguments and its environment.
package main

import (
	"fmt"
	"os"
	"sort"
)

func main() {
	fmt.Println("hello from go")
	for _, arg := range os.Args[1:] {
		fmt.Println("arg", arg)
	}
	env := os.Environ()
	sort.Strings(env)
	for _, entry := range env {
		fmt.Println("env", entry)
	}
}
