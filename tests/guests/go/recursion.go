// SPDX-License-Identifier: Apache-2.0

// Recurses 20,000 deep, which is legal in Go: its stacks grow. Prints the depth it came back from.
package main

import "fmt"

//go:noinline
func depth(n int) int {
	if n == 0 {
		return 0
	}
	return depth(n-1) + 1
}

func main() {
	fmt.Println("depth", depth(20000))
}
