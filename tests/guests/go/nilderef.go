// SPDX-License-Identifier: Apache-2.0

// Reads through a nil pointer. On wasm Go checks it by hand: exit code 2 with Go's own message.
package main

import "fmt"

type node struct {
	value int
	next  *node
}

//go:noinline
func second(n *node) int { return n.next.value }

func main() {
	fmt.Println(second(&node{value: 1}))
}
