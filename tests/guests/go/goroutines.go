// SPDX-License-Identifier: Apache-2.0

// A thousand goroutines at work: channels, sleeps, a WaitGroup, select with timeouts, a mutex, a
// ticker. Everything it prints is the same in every run, whatever the order of the goroutines.
package main

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"
)

const workers = 1000

// Each worker sleeps for a time of its own, then sends its number.
func sumOverChannel() int {
	results := make(chan int)
	for i := 1; i <= workers; i++ {
		go func(i int) {
			time.Sleep(time.Duration(i%10) * time.Millisecond)
			results <- i
		}(i)
	}
	sum := 0
	for i := 0; i < workers; i++ {
		sum += <-results
	}
	return sum
}

// All workers add to one counter, giving way while they hold nothing.
func countUnderMutex() int {
	var group sync.WaitGroup
	var mutex sync.Mutex
	count := 0
	for i := 0; i < workers; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for j := 0; j < 10; j++ {
				mutex.Lock()
				count++
				mutex.Unlock()
				runtime.Gosched()
			}
		}()
	}
	group.Wait()
	return count
}

// A ring of goroutines passes one token around; each adds one.
func passAround(hops int) int {
	first := make(chan int)
	left := first
	for i := 0; i < hops; i++ {
		right := make(chan int)
		go func(from, to chan int) { to <- 1 + <-from }(left, right)
		left = right
	}
	first <- 0
	return <-left
}

// One select runs into its timeout, the next into its message.
func selects() (string, string) {
	never := make(chan string)
	soon := make(chan string)
	go func() {
		time.Sleep(5 * time.Millisecond)
		soon <- "message"
	}()
	wait := func(messages chan string, limit time.Duration) string {
		select {
		case message := <-messages:
			return message
		case <-time.After(limit):
			return "timeout"
		}
	}
	return wait(never, 10*time.Millisecond), wait(soon, 10*time.Second)
}

func ticks(count int) int {
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	seen := 0
	for range ticker.C {
		if seen++; seen == count {
			break
		}
	}
	return seen
}

func cancelled() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	<-ctx.Done()
	return ctx.Err()
}

func main() {
	fmt.Println("sum over a channel", sumOverChannel())
	fmt.Println("count under a mutex", countUnderMutex())
	fmt.Println("token passed", passAround(workers))
	first, second := selects()
	fmt.Println("selects", first, second)
	fmt.Println("ticks", ticks(5))
	fmt.Println("context:", cancelled())
	runtime.GC()
	fmt.Println("done")
}
