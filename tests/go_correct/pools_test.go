// SPDX-License-Identifier: Apache-2.0

// Correct programs of the kinds that Go programs are made of: no order of their goroutines makes
// one fail, hang or leak. `tests/go_correct/run.py` explores each and wants to hear nothing.
// This file: work that is shared between goroutines.
package correct

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

func TestWorkerPool(t *testing.T) {
	jobs, results := make(chan int), make(chan int)
	var workers sync.WaitGroup
	for range [3]int{} {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for job := range jobs {
				results <- job * job
			}
		}()
	}
	go func() {
		for job := 1; job <= 6; job++ {
			jobs <- job
		}
		close(jobs)
		workers.Wait()
		close(results)
	}()
	sum := 0
	for result := range results {
		sum += result
	}
	if sum != 91 {
		t.Fatalf("the squares add up to %d", sum)
	}
}

// A pipeline whose reader stops early, and tells the stages before it.
func TestPipelineCancelled(t *testing.T) {
	done := make(chan struct{})
	var stages sync.WaitGroup
	stage := func(in <-chan int, f func(int) int) <-chan int {
		out := make(chan int)
		stages.Add(1)
		go func() {
			defer stages.Done()
			defer close(out)
			for n := range in {
				select {
				case out <- f(n):
				case <-done:
					return
				}
			}
		}()
		return out
	}
	source := make(chan int)
	stages.Add(1)
	go func() {
		defer stages.Done()
		defer close(source)
		for n := 0; ; n++ {
			select {
			case source <- n:
			case <-done:
				return
			}
		}
	}()
	doubled := stage(source, func(n int) int { return 2 * n })
	plusOne := stage(doubled, func(n int) int { return n + 1 })
	for want := 1; want <= 7; want += 2 {
		if got := <-plusOne; got != want {
			t.Errorf("got %d, want %d", got, want)
		}
	}
	close(done)
	stages.Wait()
}

func TestFanIn(t *testing.T) {
	merge := func(ins ...<-chan string) <-chan string {
		out := make(chan string)
		var all sync.WaitGroup
		for _, in := range ins {
			all.Add(1)
			go func(in <-chan string) {
				defer all.Done()
				for text := range in {
					out <- text
				}
			}(in)
		}
		go func() {
			all.Wait()
			close(out)
		}()
		return out
	}
	say := func(words ...string) <-chan string {
		out := make(chan string, 1)
		go func() {
			defer close(out)
			for _, word := range words {
				out <- word
			}
		}()
		return out
	}
	seen := map[string]bool{}
	for word := range merge(say("a", "b"), say("c"), say(), say("d", "e")) {
		seen[word] = true
	}
	if len(seen) != 5 {
		t.Fatalf("%d words came through", len(seen))
	}
}

// As errgroup.Group: the first error cancels the others.
type group struct {
	wait   sync.WaitGroup
	once   sync.Once
	cancel context.CancelCauseFunc
	slots  chan struct{}
	err    error
}

func newGroup(parent context.Context, limit int) (*group, context.Context) {
	ctx, cancel := context.WithCancelCause(parent)
	return &group{cancel: cancel, slots: make(chan struct{}, limit)}, ctx
}

func (g *group) Go(f func() error) {
	g.slots <- struct{}{}
	g.wait.Add(1)
	go func() {
		defer func() {
			<-g.slots
			g.wait.Done()
		}()
		if err := f(); err != nil {
			g.once.Do(func() {
				g.err = err
				g.cancel(err)
			})
		}
	}()
}

func (g *group) Wait() error {
	g.wait.Wait()
	g.cancel(g.err)
	return g.err
}

func TestErrGroup(t *testing.T) {
	broken := errors.New("broken")
	g, ctx := newGroup(context.Background(), 4)
	for n := 0; n < 4; n++ {
		n := n
		g.Go(func() error {
			if n == 2 {
				return broken
			}
			<-ctx.Done()
			return context.Cause(ctx)
		})
	}
	if err := g.Wait(); err != broken {
		t.Fatal(err)
	}
}

func TestErrGroupWithLimit(t *testing.T) {
	var now, most, runs atomic.Int32
	g, _ := newGroup(context.Background(), 2)
	for n := 0; n < 5; n++ {
		g.Go(func() error {
			running := now.Add(1)
			for old := most.Load(); running > old; old = most.Load() {
				if most.CompareAndSwap(old, running) {
					break
				}
			}
			runs.Add(1)
			now.Add(-1)
			return nil
		})
	}
	if err := g.Wait(); err != nil || runs.Load() != 5 || most.Load() > 2 {
		t.Fatal(err, runs.Load(), most.Load())
	}
}

func TestSemaphore(t *testing.T) {
	slots := make(chan struct{}, 2)
	var inside atomic.Int32
	var all sync.WaitGroup
	for n := 0; n < 5; n++ {
		all.Add(1)
		go func() {
			defer all.Done()
			slots <- struct{}{}
			if inside.Add(1) > 2 {
				t.Error("three are inside")
			}
			inside.Add(-1)
			<-slots
		}()
	}
	all.Wait()
}

func TestGracefulShutdown(t *testing.T) {
	requests, quit, stopped := make(chan int), make(chan struct{}), make(chan int)
	go func() {
		served := 0
		for {
			select {
			case <-requests:
				served++
			case <-quit:
				stopped <- served
				return
			}
		}
	}()
	var sent atomic.Int32
	var clients sync.WaitGroup
	for n := 0; n < 3; n++ {
		clients.Add(1)
		go func() {
			defer clients.Done()
			for k := 0; k < 3; k++ {
				select {
				case requests <- k:
					sent.Add(1)
				case <-quit:
					return
				}
			}
		}()
	}
	close(quit)
	served := <-stopped
	clients.Wait()
	if int(sent.Load()) != served {
		t.Fatalf("%d sent, %d served", sent.Load(), served)
	}
}

func TestPrimeSieve(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var filters sync.WaitGroup
	defer filters.Wait()
	defer cancel()
	send := func(out chan<- int, n int) bool {
		select {
		case out <- n:
			return true
		case <-ctx.Done():
			return false
		}
	}
	start := func(f func(out chan<- int)) <-chan int {
		out := make(chan int)
		filters.Add(1)
		go func() {
			defer filters.Done()
			f(out)
		}()
		return out
	}
	in := start(func(out chan<- int) {
		for n := 2; send(out, n); n++ {
		}
	})
	for _, want := range []int{2, 3, 5, 7, 11} {
		prime := <-in
		if prime != want {
			t.Errorf("got %d, want %d", prime, want)
		}
		before := in
		in = start(func(out chan<- int) {
			for {
				select {
				case n := <-before:
					if n%prime != 0 && !send(out, n) {
						return
					}
				case <-ctx.Done():
					return
				}
			}
		})
	}
}
