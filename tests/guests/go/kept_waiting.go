// SPDX-License-Identifier: Apache-2.0

// Exits with 3 when one goroutine is through with 3,000 operations before the other has begun.
package main

import (
	"os"
	"sync"
	"sync/atomic"
)

//go:noinline
func count(rounds *atomic.Int64) { rounds.Add(1) }

func main() {
	var rounds atomic.Int64
	var late atomic.Bool
	var both sync.WaitGroup
	both.Add(2)
	go func() {
		defer both.Done()
		for rounds.Load() < 1500 {
			count(&rounds)
		}
	}()
	go func() {
		defer both.Done()
		late.Store(rounds.Load() == 1500)
	}()
	both.Wait()
	if late.Load() {
		os.Exit(3)
	}
}
