// SPDX-License-Identifier: Apache-2.0

// A goroutine that computes for ever and calls no function, one that waits, and main, which would
// go on: nobody can make the first give way. With an argument so many more wait.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

var sink uint32

func spins() {
	for x := uint32(1); x != 0; x = x*1664525 + 1013904223 | 1 {
		sink = x
	}
}

func waits(in <-chan int) { <-in }

func main() {
	go waits(make(chan int))
	if len(os.Args) > 1 {
		more, _ := strconv.Atoi(os.Args[1])
		for ; more > 0; more-- {
			go waits(make(chan int))
		}
	}
	time.Sleep(time.Millisecond)
	fmt.Println("it is about to spin")
	go spins()
	time.Sleep(time.Hour)
}
