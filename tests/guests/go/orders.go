// SPDX-License-Identifier: Apache-2.0

// Three goroutines with two sends each: prints the order in which they came.
package main

import "fmt"

func main() {
	out := make(chan int)
	for i := range 3 {
		go func() {
			for range 2 {
				out <- i
			}
		}()
	}
	for range 6 {
		fmt.Print(<-out)
	}
	fmt.Println()
}
