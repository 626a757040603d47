// SPDX-License-Identifier: Apache-2.0

// Programs with locks, conditions and atomics.
package correct

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// A queue with room for two, on two conditions of one lock.
type boundedQueue struct {
	lock            sync.Mutex
	isFull, isEmpty *sync.Cond
	items           []int
}

func newBoundedQueue() *boundedQueue {
	q := &boundedQueue{}
	q.isFull, q.isEmpty = sync.NewCond(&q.lock), sync.NewCond(&q.lock)
	return q
}

func (q *boundedQueue) put(item int) {
	q.lock.Lock()
	defer q.lock.Unlock()
	for len(q.items) == 2 {
		q.isFull.Wait()
	}
	q.items = append(q.items, item)
	q.isEmpty.Signal()
}

func (q *boundedQueue) take() int {
	q.lock.Lock()
	defer q.lock.Unlock()
	for len(q.items) == 0 {
		q.isEmpty.Wait()
	}
	item := q.items[0]
	q.items = q.items[1:]
	q.isFull.Signal()
	return item
}

func TestCondQueue(t *testing.T) {
	q := newBoundedQueue()
	var sum atomic.Int64
	var all sync.WaitGroup
	for n := 0; n < 3; n++ {
		n := n
		all.Add(2)
		go func() {
			defer all.Done()
			for k := 0; k < 3; k++ {
				q.put(3*n + k)
			}
		}()
		go func() {
			defer all.Done()
			for k := 0; k < 3; k++ {
				sum.Add(int64(q.take()))
			}
		}()
	}
	all.Wait()
	if sum.Load() != 36 {
		t.Fatalf("the items add up to %d", sum.Load())
	}
}

func TestRWMutexCache(t *testing.T) {
	var lock sync.RWMutex
	cache, loads := map[string]int{}, map[string]int{}
	get := func(key string) int {
		lock.RLock()
		value, ok := cache[key]
		lock.RUnlock()
		if ok {
			return value
		}
		lock.Lock()
		defer lock.Unlock()
		if value, ok := cache[key]; ok { // Another one was faster.
			return value
		}
		loads[key]++
		cache[key] = len(key)
		return cache[key]
	}
	var all sync.WaitGroup
	for n := 0; n < 4; n++ {
		all.Add(1)
		go func() {
			defer all.Done()
			if get("a") != 1 || get("bb") != 2 {
				t.Error("a wrong value")
			}
		}()
	}
	all.Wait()
	if loads["a"] != 1 || loads["bb"] != 1 {
		t.Fatal(loads)
	}
}

func TestReadersAndWriters(t *testing.T) {
	var lock sync.RWMutex
	a, b := 0, 0
	var all sync.WaitGroup
	for n := 0; n < 2; n++ {
		all.Add(2)
		go func() {
			defer all.Done()
			for k := 0; k < 3; k++ {
				lock.Lock()
				a++
				b--
				lock.Unlock()
			}
		}()
		go func() {
			defer all.Done()
			for k := 0; k < 3; k++ {
				lock.RLock()
				if a+b != 0 {
					t.Error("half of a write was seen")
				}
				lock.RUnlock()
			}
		}()
	}
	all.Wait()
}

// A barrier that is used several times.
func TestBarrier(t *testing.T) {
	const parties = 3
	var lock sync.Mutex
	gate := sync.NewCond(&lock)
	waiting, round := 0, 0
	await := func() {
		lock.Lock()
		defer lock.Unlock()
		mine := round
		if waiting++; waiting == parties {
			waiting = 0
			round++
			gate.Broadcast()
			return
		}
		for mine == round {
			gate.Wait()
		}
	}
	var arrived [4]atomic.Int32
	var all sync.WaitGroup
	for n := 0; n < parties; n++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for r := range arrived {
				arrived[r].Add(1)
				await()
				if arrived[r].Load() != parties {
					t.Error("the barrier let one through early")
				}
			}
		}()
	}
	all.Wait()
}

func TestPhilosophers(t *testing.T) {
	const seats = 4
	var forks [seats]sync.Mutex
	var meals atomic.Int32
	var all sync.WaitGroup
	for n := 0; n < seats; n++ {
		first, second := n, (n+1)%seats
		if first > second {
			first, second = second, first
		}
		all.Add(1)
		go func() {
			defer all.Done()
			for k := 0; k < 2; k++ {
				forks[first].Lock()
				forks[second].Lock()
				meals.Add(1)
				forks[second].Unlock()
				forks[first].Unlock()
			}
		}()
	}
	all.Wait()
	if meals.Load() != 2*seats {
		t.Fatalf("%d meals", meals.Load())
	}
}

func TestOnce(t *testing.T) {
	var once sync.Once
	made := 0
	var all sync.WaitGroup
	for n := 0; n < 4; n++ {
		all.Add(1)
		go func() {
			defer all.Done()
			once.Do(func() { made++ })
			if made != 1 {
				t.Errorf("made %d times", made)
			}
		}()
	}
	all.Wait()
}

// One flight for each key at a time; those who come meanwhile share its result.
func TestSingleFlight(t *testing.T) {
	type flight struct {
		landed chan struct{}
		value  int
	}
	var lock sync.Mutex
	flights := map[string]*flight{}
	var flown atomic.Int32
	do := func(key string) int {
		lock.Lock()
		if f, ok := flights[key]; ok {
			lock.Unlock()
			<-f.landed
			return f.value
		}
		f := &flight{landed: make(chan struct{})}
		flights[key] = f
		lock.Unlock()
		f.value = int(flown.Add(1))
		lock.Lock()
		delete(flights, key)
		lock.Unlock()
		close(f.landed)
		return f.value
	}
	var all sync.WaitGroup
	for n := 0; n < 4; n++ {
		all.Add(1)
		go func() {
			defer all.Done()
			if value := do("key"); value < 1 || value > int(flown.Load()) {
				t.Errorf("flight %d of %d", value, flown.Load())
			}
		}()
	}
	all.Wait()
}

// A stack without locks; the garbage collector keeps it free of ABA.
func TestLockFreeStack(t *testing.T) {
	type node struct {
		value int
		next  *node
	}
	var top atomic.Pointer[node]
	push := func(value int) {
		for n := (&node{value: value}); ; {
			n.next = top.Load()
			if top.CompareAndSwap(n.next, n) {
				return
			}
		}
	}
	pop := func() (int, bool) {
		for {
			n := top.Load()
			if n == nil {
				return 0, false
			}
			if top.CompareAndSwap(n, n.next) {
				return n.value, true
			}
		}
	}
	var sum atomic.Int64
	var all sync.WaitGroup
	for n := 1; n <= 3; n++ {
		n := n
		all.Add(1)
		go func() {
			defer all.Done()
			push(n)
			push(10 * n)
			if value, ok := pop(); ok {
				sum.Add(int64(value))
			} else {
				t.Error("it is empty, with more pushed than popped")
			}
		}()
	}
	all.Wait()
	for value, ok := pop(); ok; value, ok = pop() {
		sum.Add(int64(value))
	}
	if sum.Load() != 66 {
		t.Fatalf("the values add up to %d", sum.Load())
	}
}

func TestSyncMap(t *testing.T) {
	var m sync.Map
	var winners atomic.Int32
	var all sync.WaitGroup
	for n := 0; n < 4; n++ {
		n := n
		all.Add(1)
		go func() {
			defer all.Done()
			if _, loaded := m.LoadOrStore("key", n); !loaded {
				winners.Add(1)
			}
			m.Store(fmt.Sprint(n), n)
		}()
	}
	all.Wait()
	count := 0
	m.Range(func(any, any) bool { count++; return true })
	if winners.Load() != 1 || count != 5 {
		t.Fatal(winners.Load(), count)
	}
}

func TestPool(t *testing.T) {
	pool := sync.Pool{New: func() any { return new([64]int) }}
	var all sync.WaitGroup
	for n := 1; n <= 4; n++ {
		n := n
		all.Add(1)
		go func() {
			defer all.Done()
			buffer := pool.Get().(*[64]int)
			for i := range buffer {
				buffer[i] = n
			}
			for i := range buffer {
				if buffer[i] != n {
					t.Error("two had the same buffer")
				}
			}
			pool.Put(buffer)
		}()
	}
	all.Wait()
}

// A spin lock gives way while it waits.
func TestTryLock(t *testing.T) {
	var lock sync.Mutex
	count := 0
	var all sync.WaitGroup
	for n := 0; n < 3; n++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for !lock.TryLock() {
				yield()
			}
			count++
			lock.Unlock()
		}()
	}
	all.Wait()
	if count != 3 {
		t.Fatal(count)
	}
}
