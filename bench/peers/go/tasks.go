// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

func yields(tasks, n int) sample {
	done, made := false, 0
	var ended sync.WaitGroup
	for i := 1; i < tasks; i++ {
		ended.Add(1)
		go func() {
			for !done {
				made++
				runtime.Gosched()
			}
			ended.Done()
		}()
	}
	runtime.Gosched()
	before, start := made, time.Now()
	for i := 0; i < (n+tasks-1)/tasks; i++ {
		made++
		runtime.Gosched()
	}
	s := nsSince(start, made-before, made-before)
	done = true
	ended.Wait()
	return s
}

func spawnJoinPooled(n int) sample {
	ran := 0
	var ended sync.WaitGroup
	start := time.Now()
	for i := 0; i < n; i++ {
		ended.Add(1)
		go func() {
			ran++
			ended.Done()
		}()
		ended.Wait()
	}
	return nsSince(start, n, ran)
}

func spawnJoin(n int) sample {
	sum := 0
	start := time.Now()
	for i := 0; i < n; i++ {
		result := 0
		var ended sync.WaitGroup
		ended.Add(1)
		go func() {
			result = 1
			ended.Done()
		}()
		ended.Wait()
		sum += result
	}
	return nsSince(start, n, sum)
}

func roundTrips(capacity, n int) sample {
	there, back := make(chan int, capacity), make(chan int, capacity)
	go func() {
		for value := range there {
			back <- value
		}
	}()
	sum := 0
	start := time.Now()
	for i := 0; i < n; i++ {
		there <- 1
		sum += <-back
	}
	s := nsSince(start, n, sum)
	close(there)
	return s
}

func mutexHandOffs(n int) sample {
	var mutex sync.Mutex
	var ended sync.WaitGroup
	locks := 0
	work := func() {
		for {
			mutex.Lock()
			if locks >= n {
				mutex.Unlock()
				break
			}
			locks++
			runtime.Gosched()
			mutex.Unlock()
		}
		ended.Done()
	}
	start := time.Now()
	ended.Add(2)
	go work()
	go work()
	ended.Wait()
	return nsSince(start, locks, locks)
}

func channels(count, n int) []chan int {
	all := make([]chan int, count)
	for i := range all {
		all[i] = make(chan int)
	}
	go func() {
		for i := 0; i < n; i++ {
			all[i%count] <- 1
		}
	}()
	return all
}

func selectOf2(n int) sample {
	c := channels(2, n)
	a, b := c[0], c[1]
	sum := 0
	start := time.Now()
	for i := 0; i < n; i++ {
		select {
		case v := <-a:
			sum += v
		case v := <-b:
			sum += v
		}
	}
	return nsSince(start, n, sum)
}

func selectOf10(n int) sample {
	c := channels(10, n)
	sum, v := 0, 0
	start := time.Now()
	for i := 0; i < n; i++ {
		select {
		case v = <-c[0]:
		case v = <-c[1]:
		case v = <-c[2]:
		case v = <-c[3]:
		case v = <-c[4]:
		case v = <-c[5]:
		case v = <-c[6]:
		case v = <-c[7]:
		case v = <-c[8]:
		case v = <-c[9]:
		}
		sum += v
	}
	return nsSince(start, n, sum)
}

func armCancel(others, n int) sample {
	nothing := func() {}
	armed := make([]*time.Timer, others)
	for i := range armed {
		armed[i] = time.AfterFunc(time.Duration(1_000+i*7_919%10_000)*time.Second, nothing)
	}
	canceled := 0
	start := time.Now()
	for i := 0; i < n; i++ {
		if time.AfterFunc(5_000*time.Second, nothing).Stop() {
			canceled++
		}
	}
	s := nsSince(start, n, canceled)
	for _, timer := range armed {
		timer.Stop()
	}
	return s
}

// Of all threads of the process.
func cpuNs() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return float64(u.Utime.Nano() + u.Stime.Nano())
}

func sleepers(tasks, n int) sample {
	each, slept := (n+tasks-1)/tasks, 0
	var ended sync.WaitGroup
	start := cpuNs()
	for i := 0; i < tasks; i++ {
		ended.Add(1)
		go func() {
			for j := 0; j < each; j++ {
				time.Sleep(time.Millisecond)
				slept++
			}
			ended.Done()
		}()
	}
	ended.Wait()
	return sample{cpuNs() - start, "cpu-ns", tasks * each, slept}
}

func skynet(up chan<- int, number, leaves int) {
	if leaves == 1 {
		up <- number
		return
	}
	down, sum := make(chan int, 10), 0
	for i := 0; i < 10; i++ {
		go skynet(down, number+i*leaves/10, leaves/10)
	}
	for i := 0; i < 10; i++ {
		sum += <-down
	}
	up <- sum
}

func skynets(leaves, n int) sample {
	rounds, sum := (n+leaves-1)/leaves, 0
	start := time.Now()
	for i := 0; i < rounds; i++ {
		up := make(chan int, 10)
		go skynet(up, 0, leaves)
		sum += <-up
	}
	return nsSince(start, rounds*leaves, sum)
}

func residentBytes() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		panic(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		panic(err)
	}
	return float64(pages * os.Getpagesize())
}

func parked(tasks, _ int) sample {
	wake, ended := make(chan struct{}), 0
	var all sync.WaitGroup
	debug.FreeOSMemory()
	before := residentBytes()
	for i := 0; i < tasks; i++ {
		all.Add(1)
		go func() {
			<-wake
			ended++
			all.Done()
		}()
	}
	runtime.Gosched()
	total := residentBytes() - before
	close(wake)
	all.Wait()
	return sample{total, "bytes", tasks, ended}
}
