// SPDX-License-Identifier: Apache-2.0

// Recovers from a nil dereference, a division by zero and an index out of range, and goes on.
package main

import "fmt"

//go:noinline
func attempt(name string, action func()) {
	defer func() { fmt.Printf("%s: %v\n", name, recover()) }()
	action()
}

func main() {
	var nothing *int
	zero, index := 0, 3
	attempt("nil", func() { fmt.Println(*nothing) })
	attempt("divide", func() { fmt.Println(1 / zero) })
	attempt("index", func() { fmt.Println([]int{1, 2, 3}[index]) })
}
