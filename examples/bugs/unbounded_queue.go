// SPDX-License-Identifier: Apache-2.0

// Planted bug: a queue without a bound. The producer adds an item every 10 ms, the consumer takes
// one every 10 ms. Nothing slows the producer down, so each delay of the consumer stays in the
// queue. weft test --jitter 4ms go_unbounded_queue.wasm
package main

import (
	"fmt"
	"os"
	"time"
)

const limit = 4 // What the machine has room for.

func main() {
	var queue []int
	ticker := time.NewTicker(10 * time.Millisecond)
	go func() {
		for {
			if len(queue) > 0 {
				queue = queue[1:]
			}
			time.Sleep(10 * time.Millisecond) // Works; the time of a late wake-up is lost.
		}
	}()
	for i := 0; i < 100; i++ {
		<-ticker.C
		queue = append(queue, i)
		if len(queue) > limit {
			fmt.Fprintln(os.Stderr, "out of memory: the queue has", len(queue), "items")
			os.Exit(1)
		}
	}
}
