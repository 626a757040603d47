// SPDX-License-Identifier: Apache-2.0

// Three goroutines with two sends each, or as many as the first arguments say: prints the order in
// which they came. With more arguments it ends with 1 if they do not name the order.
package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
)

func number(place, otherwise int) int {
	if place >= len(os.Args) {
		return otherwise
	}
	n, err := strconv.Atoi(os.Args[place])
	if err != nil {
		panic(err)
	}
	return n
}

func main() {
	goroutines, sends := number(1, 3), number(2, 2)
	out := make(chan int)
	for i := 0; i < goroutines; i++ {
		go func(i int) {
			for n := 0; n < sends; n++ {
				out <- i
			}
		}(i)
	}
	order := ""
	for n := 0; n < goroutines*sends; n++ {
		order += strconv.Itoa(<-out)
	}
	fmt.Println(order)
	if len(os.Args) > 3 && !slices.Contains(os.Args[3:], order) {
		os.Exit(1)
	}
}
