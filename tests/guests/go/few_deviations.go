// SPDX-License-Identifier: Apache-2.0

// Bugs that need few deviations from Go's own order, for a search depth first. Exits with 1.
//
//	few_deviations first    of four cases, two of which are ready, a select takes the first
//	few_deviations second   ... the second of these two
//	few_deviations lost     between reading a number and writing it, another one writes it
package main

import (
	"fmt"
	"os"
	"sync"
)

func takes(wrong int) bool {
	first, second := make(chan int, 1), make(chan int, 1)
	first <- 1
	second <- 2
	never := make(chan int)
	taken := 0
	select {
	case <-never:
	case taken = <-first:
	case never <- 0:
	case taken = <-second:
	}
	return taken == wrong
}

type number struct {
	lock sync.Mutex
	n    int
}

func (n *number) get() int {
	n.lock.Lock()
	defer n.lock.Unlock()
	return n.n
}

func (n *number) set(to int) {
	n.lock.Lock()
	defer n.lock.Unlock()
	n.n = to
}

// Long enough that safe points, which a policy with chance decides at, lie on the way.
func loses() bool {
	const rounds = 30
	var sum number
	var both sync.WaitGroup
	for g := 0; g < 2; g++ {
		both.Add(1)
		go func() {
			defer both.Done()
			for i := 0; i < rounds; i++ {
				sum.set(sum.get() + 1)
			}
		}()
	}
	both.Wait()
	return sum.n != 2*rounds
}

func main() {
	found := false
	switch os.Args[1] {
	case "first":
		found = takes(1)
	case "second":
		found = takes(2)
	case "lost":
		found = loses()
	}
	if found {
		fmt.Println("found")
		os.Exit(1)
	}
}
