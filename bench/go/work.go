// SPDX-License-Identifier: Apache-2.0

// Work that Go programs do, for bench/go_preempt_cost.py: work NAME ROUNDS.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"
)

// Small and the same in each run.
type numbers uint64

func (n *numbers) next() uint64 {
	*n ^= *n << 13
	*n ^= *n >> 7
	*n ^= *n << 17
	return uint64(*n)
}

type order struct {
	ID    uint64            `json:"id"`
	Lines []string          `json:"lines"`
	Notes map[string]string `json:"notes"`
}

type tree struct{ left, right *tree }

func grow(depth int) *tree {
	if depth == 0 {
		return &tree{}
	}
	return &tree{grow(depth - 1), grow(depth - 1)}
}

func (t *tree) count() int {
	if t.left == nil {
		return 1
	}
	return 1 + t.left.count() + t.right.count()
}

func fib(n int) int {
	if n < 2 {
		return n
	}
	return fib(n-1) + fib(n-2)
}

var work = map[string]func(random *numbers) int{
	"sort": func(random *numbers) int {
		values := make([]int, 20_000)
		for i := range values {
			values[i] = int(random.next() >> 1)
		}
		sort.Ints(values)
		return values[0]
	},
	"json": func(random *numbers) int {
		in := order{random.next(), []string{"one", "two", "three"}, map[string]string{"a": "b"}}
		var out order
		for i := 0; i < 40; i++ {
			text, err := json.Marshal(in)
			if err != nil || json.Unmarshal(text, &out) != nil {
				panic("json")
			}
		}
		return len(out.Lines)
	},
	"sha256": func(random *numbers) int {
		block := bytes.Repeat([]byte{byte(random.next())}, 64<<10)
		sum := sha256.Sum256(block)
		return int(sum[0])
	},
	"map": func(random *numbers) int {
		counts := map[string]int{}
		for i := 0; i < 5_000; i++ {
			counts[strconv.FormatUint(random.next()%2_000, 10)]++
		}
		return len(counts)
	},
	"channel": func(*numbers) int {
		there, back := make(chan int), make(chan int)
		go func() {
			for n := range there {
				back <- n + 1
			}
			close(back)
		}()
		n := 0
		for i := 0; i < 2_000; i++ {
			there <- n
			n = <-back
		}
		close(there)
		return n
	},
	"mutex": func(*numbers) int {
		var mutex sync.Mutex
		var group sync.WaitGroup
		count := 0
		for w := 0; w < 4; w++ {
			group.Add(1)
			go func() {
				defer group.Done()
				for i := 0; i < 5_000; i++ {
					mutex.Lock()
					count++
					mutex.Unlock()
				}
			}()
		}
		group.Wait()
		return count
	},
	"regexp": func(random *numbers) int {
		words := regexp.MustCompile(`(\w+)@(\w+)\.org`)
		text := strings.Repeat(fmt.Sprintf("to %d@host.org, or not; ", random.next()), 100)
		return len(words.FindAllString(text, -1))
	},
	"trees": func(*numbers) int { return grow(13).count() },
	"calls": func(*numbers) int { return fib(24) },
}

func main() {
	rounds, err := strconv.Atoi(os.Args[2])
	if err != nil {
		panic(err)
	}
	random, sum := numbers(88172645463325252), 0
	for i := 0; i < rounds; i++ {
		sum += work[os.Args[1]](&random)
	}
	fmt.Println(sum)
}
