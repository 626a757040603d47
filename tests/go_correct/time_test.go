// SPDX-License-Identifier: Apache-2.0

// Programs in which time passes: each may end in several ways, and all of them are right.
package correct

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func yield() { runtime.Gosched() }

func TestRateLimiter(t *testing.T) {
	const period = 10 * time.Millisecond
	start := time.Now()
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	var lock sync.Mutex
	taken := 0
	var all sync.WaitGroup
	for n := 0; n < 3; n++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for k := 0; k < 2; k++ {
				<-ticker.C
				lock.Lock()
				taken++
				if time.Since(start) < time.Duration(taken)*period {
					t.Error("too fast")
				}
				lock.Unlock()
			}
		}()
	}
	all.Wait()
}

func TestTokenBucket(t *testing.T) {
	const burst, period = 3, time.Millisecond
	var lock sync.Mutex
	tokens, last := burst, time.Now()
	start, taken := last, 0
	take := func() bool {
		lock.Lock()
		defer lock.Unlock()
		now := time.Now()
		if fresh := int(now.Sub(last) / period); fresh > 0 {
			tokens = min(burst, tokens+fresh)
			last = last.Add(time.Duration(fresh) * period)
		}
		if tokens == 0 {
			return false
		}
		tokens--
		taken++
		if taken > burst+int(now.Sub(start)/period) {
			t.Error("more than the rate allows")
		}
		return true
	}
	var all sync.WaitGroup
	for n := 0; n < 3; n++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for k := 0; k < 2; k++ {
				for !take() {
					time.Sleep(period)
				}
			}
		}()
	}
	all.Wait()
}

func TestContextTree(t *testing.T) {
	root, stop := context.WithCancel(context.Background())
	defer stop()
	left, stopLeft := context.WithCancel(root)
	right, stopRight := context.WithTimeout(root, time.Hour)
	defer stopRight()
	var leaves sync.WaitGroup
	for n := 0; n < 3; n++ {
		leaf, cancel := context.WithCancel(left)
		leaves.Add(1)
		go func() {
			defer leaves.Done()
			defer cancel()
			<-leaf.Done()
			if !errors.Is(leaf.Err(), context.Canceled) {
				t.Error(leaf.Err())
			}
		}()
	}
	stopLeft()
	leaves.Wait()
	if right.Err() != nil || root.Err() != nil {
		t.Fatal("more ended than was told to")
	}
}

// The result has a place to go to when the timeout was faster.
func TestWorkOrTimeout(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Microsecond)
	defer cancel()
	result := make(chan int, 1)
	go func() {
		sum := 0
		for n := 0; n < 100; n++ {
			sum += add(n)
		}
		result <- sum
	}()
	select {
	case sum := <-result:
		if sum != 4950 {
			t.Fatal(sum)
		}
	case <-ctx.Done():
		if ctx.Err() != context.DeadlineExceeded {
			t.Fatal(ctx.Err())
		}
	}
}

//go:noinline
func add(n int) int { return n }

func TestTickerStops(t *testing.T) {
	ticker := time.NewTicker(time.Millisecond)
	done, ticks := make(chan struct{}), make(chan int)
	go func() {
		count := 0
		for {
			select {
			case <-ticker.C:
				count++
			case <-done:
				ticks <- count
				return
			}
		}
	}()
	time.Sleep(5500 * time.Microsecond)
	ticker.Stop()
	close(done)
	if count := <-ticks; count > 1000 {
		t.Fatal(count)
	}
}

func TestTimerReset(t *testing.T) {
	timer := time.NewTimer(time.Hour)
	input := make(chan int)
	go func() {
		for n := 0; n < 3; n++ {
			time.Sleep(time.Millisecond)
			input <- n
		}
		close(input)
	}()
	for got := 0; ; got++ {
		select {
		case _, more := <-input:
			if !more {
				timer.Stop()
				return
			}
			if !timer.Stop() {
				select {
				case <-timer.C:
				default:
				}
			}
			timer.Reset(time.Hour)
		case <-timer.C:
			t.Fatal("an hour has passed")
		}
	}
}

// Either it was stopped, or its function runs.
func TestAfterFuncStop(t *testing.T) {
	ran := make(chan struct{})
	timer := time.AfterFunc(time.Millisecond, func() { close(ran) })
	time.Sleep(time.Millisecond)
	if !timer.Stop() {
		<-ran
	}
}

func TestBatcher(t *testing.T) {
	items, batches := make(chan int), make(chan []int)
	go func() {
		defer close(batches)
		var batch []int
		flush := func() {
			if len(batch) > 0 {
				batches <- batch
				batch = nil
			}
		}
		ticker := time.NewTicker(time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case item, more := <-items:
				if !more {
					flush()
					return
				}
				if batch = append(batch, item); len(batch) == 3 {
					flush()
				}
			case <-ticker.C:
				flush()
			}
		}
	}()
	go func() {
		defer close(items)
		for n := 0; n < 7; n++ {
			if n == 4 {
				time.Sleep(2 * time.Millisecond)
			}
			items <- n
		}
	}()
	want := 0
	for batch := range batches {
		for _, item := range batch {
			if item != want || len(batch) > 3 {
				t.Error(batch)
			}
			want++
		}
	}
	if want != 7 {
		t.Fatalf("%d items", want)
	}
}

func TestHeartbeat(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	beats, ended := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			select {
			case beats <- struct{}{}:
			default:
			}
			time.Sleep(time.Millisecond)
		}
	}()
	for n := 0; n < 3; n++ {
		select {
		case <-beats:
		case <-time.After(time.Minute):
			t.Error("no beat for a minute")
		}
	}
	cancel()
	<-ended
}

func TestRetryWithBackoff(t *testing.T) {
	var tries atomic.Int32
	try := func() error {
		if tries.Add(1) < 4 {
			return errors.New("not yet")
		}
		return nil
	}
	result := make(chan error, 1)
	go func() {
		for wait := time.Millisecond; ; wait *= 2 {
			err := try()
			if err == nil {
				result <- nil
				return
			}
			time.Sleep(wait)
		}
	}()
	if err := <-result; err != nil || tries.Load() != 4 {
		t.Fatal(err, tries.Load())
	}
}

// It gives way between its looks; that time passes is up to the machine.
func TestPollsUntilTimeHasPassed(t *testing.T) {
	var done atomic.Bool
	go func() {
		time.Sleep(100 * time.Millisecond)
		done.Store(true)
	}()
	for !done.Load() {
		runtime.Gosched()
	}
}

// Two that keep each other busy until a third, which nobody waits for, has had its turn.
func TestPingPongUntilStopped(t *testing.T) {
	var stopped atomic.Bool
	ball, ended := make(chan bool), make(chan struct{})
	go func() { stopped.Store(true) }()
	go func() {
		defer close(ended)
		for <-ball {
		}
	}()
	for goesOn := true; goesOn; {
		goesOn = !stopped.Load()
		ball <- goesOn
	}
	<-ended
}
