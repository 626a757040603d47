// SPDX-License-Identifier: Apache-2.0

// A yield of TinyGo's goroutines, to compare with: yield GOROUTINES YIELDS.
package main

import (
	"os"
	"runtime"
	"strconv"
)

func number(word string) int {
	n, err := strconv.Atoi(word)
	if err != nil || n < 1 {
		panic("yield GOROUTINES YIELDS")
	}
	return n
}

func main() {
	goroutines, yields := number(os.Args[1]), number(os.Args[2])
	done := make(chan bool)
	for i := 0; i < goroutines; i++ {
		go func() {
			for left := yields / goroutines; left > 0; left-- {
				runtime.Gosched()
			}
			done <- true
		}()
	}
	for i := 0; i < goroutines; i++ {
		<-done
	}
}
