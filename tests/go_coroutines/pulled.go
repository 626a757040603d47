// SPDX-License-Identifier: Apache-2.0

// A goroutine that iter.Pull makes gets the thread from the one that pulls, and not from Go's
// scheduler. It gives way as any other, and its orders are explored. Needs Go 1.23.
//
//	pulled computes   computes inside of such a goroutine, until another one stops it
//	pulled lost       two add 1 to a number inside of such goroutines: an update may be lost
package main

import (
	"fmt"
	"iter"
	"os"
	"sync"
	"time"
)

//go:noinline
func add(n int) int { return n + 1 }

func computes() {
	stop := make(chan bool)
	go func() {
		time.Sleep(20 * time.Millisecond)
		close(stop)
	}()
	next, done := iter.Pull(func(yield func(int) bool) {
		for n := 0; ; {
			select {
			case <-stop:
				yield(n)
				return
			default:
				for i := 0; i < 1000; i++ {
					n = add(n)
				}
			}
		}
	})
	defer done()
	_, ok := next()
	fmt.Println("stopped", ok)
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

func lost() {
	var sum number
	var both sync.WaitGroup
	for range 2 {
		both.Add(1)
		go func() {
			defer both.Done()
			next, done := iter.Pull(func(yield func(int) bool) {
				read := sum.get()
				sum.set(read + 1)
				yield(read)
			})
			defer done()
			next()
		}()
	}
	both.Wait()
	if sum.n != 2 {
		fmt.Println("lost")
		os.Exit(1)
	}
}

func main() {
	if os.Args[1] == "computes" {
		computes()
	} else {
		lost()
	}
}
