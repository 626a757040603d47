// SPDX-License-Identifier: Apache-2.0

// The demo's Go program: three goroutines sleep and send, main receives. Built by an unmodified Go,
// with GOOS=wasip1 GOARCH=wasm.
package main

import (
	"fmt"
	"sync"
	"time"
)

func main() {
	lines := make(chan string)
	var group sync.WaitGroup
	for worker := 1; worker <= 3; worker++ {
		group.Add(1)
		go func(worker int) {
			defer group.Done()
			for job := 1; job <= 3; job++ {
				time.Sleep(time.Duration(worker) * 150 * time.Millisecond)
				lines <- fmt.Sprintf("goroutine %d did job %d", worker, job)
			}
		}(worker)
	}
	go func() {
		group.Wait()
		close(lines)
	}()
	for line := range lines {
		fmt.Println("workers (Go)", line)
	}
}
