// SPDX-License-Identifier: Apache-2.0

// Programs whose goroutines talk to each other.
package correct

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
)

// A broker: subscriptions belong to one goroutine, and all that happens to them goes through it.
type broker struct {
	publish    chan string
	join       chan chan string
	leave      chan chan string
	stop, gone chan struct{}
}

func newBroker() *broker {
	b := &broker{make(chan string), make(chan chan string), make(chan chan string),
		make(chan struct{}), make(chan struct{})}
	go b.run()
	return b
}

func (b *broker) run() {
	defer close(b.gone)
	members := map[chan string]bool{}
	for {
		select {
		case member := <-b.join:
			members[member] = true
		case member := <-b.leave:
			delete(members, member)
			close(member)
		case text := <-b.publish:
			for member := range members {
				select {
				case member <- text:
				default: // Who is slow misses it.
				}
			}
		case <-b.stop:
			for member := range members {
				close(member)
			}
			return
		}
	}
}

// One leaves early; it does not wait for a broker that has gone.
func TestPublishSubscribe(t *testing.T) {
	b := newBroker()
	var all sync.WaitGroup
	for n := 0; n < 3; n++ {
		member := make(chan string, 8)
		b.join <- member
		n := n
		all.Add(1)
		go func() {
			defer all.Done()
			count := 0
			for range member {
				if count++; n == 0 && count == 2 {
					select {
					case b.leave <- member:
					case <-b.gone:
					}
				}
			}
			if n != 0 && count != 3 {
				t.Errorf("%d of 3 came", count)
			}
		}()
	}
	for n := 0; n < 3; n++ {
		b.publish <- fmt.Sprint(n)
	}
	close(b.stop)
	all.Wait()
}

func TestPingPong(t *testing.T) {
	ping, pong := make(chan int), make(chan int)
	go func() {
		defer close(pong)
		for n := range ping {
			pong <- n + 1
		}
	}()
	n := 0
	for n < 5 {
		ping <- n
		n = <-pong
	}
	close(ping)
	if _, more := <-pong; more || n != 5 {
		t.Fatal(n, more)
	}
}

func TestFuture(t *testing.T) {
	type future struct {
		done  chan struct{}
		value int
	}
	async := func(f func() int) *future {
		made := &future{done: make(chan struct{})}
		go func() {
			defer close(made.done)
			made.value = f()
		}()
		return made
	}
	await := func(f *future) int {
		<-f.done
		return f.value
	}
	a := async(func() int { return 20 })
	b := async(func() int { return await(a) + 1 })
	c := async(func() int { return await(a) + await(b) })
	if value := await(c); value != 41 {
		t.Fatal(value)
	}
}

// One goroutine owns a number; the others ask it.
func TestActor(t *testing.T) {
	type request struct {
		add   int
		reply chan int
	}
	requests := make(chan request)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		total := 0
		for r := range requests {
			total += r.add
			r.reply <- total
		}
	}()
	var clients sync.WaitGroup
	for n := 1; n <= 3; n++ {
		n := n
		clients.Add(1)
		go func() {
			defer clients.Done()
			reply := make(chan int)
			requests <- request{n, reply}
			if total := <-reply; total < n || total > 6 {
				t.Error(total)
			}
		}()
	}
	clients.Wait()
	close(requests)
	<-ended
}

func TestIOPipe(t *testing.T) {
	reader, writer := io.Pipe()
	go func() {
		for n := 0; n < 3; n++ {
			fmt.Fprintf(writer, "line %d\n", n)
		}
		writer.Close()
	}()
	lines := bufio.NewScanner(reader)
	count := 0
	for lines.Scan() {
		if lines.Text() != fmt.Sprintf("line %d", count) {
			t.Error(lines.Text())
		}
		count++
	}
	if count != 3 || lines.Err() != nil {
		t.Fatal(count, lines.Err())
	}
}

// An echo server on the network inside Go's package net.
func TestEchoServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Add(1)
	go func() {
		defer all.Done()
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			all.Add(1)
			go func() {
				defer all.Done()
				defer conn.Close()
				io.Copy(conn, conn)
			}()
		}
	}()
	for n := 0; n < 2; n++ {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "hello %d\n", n)
		line, err := bufio.NewReader(conn).ReadString('\n')
		if line != fmt.Sprintf("hello %d\n", n) {
			t.Error(line, err)
		}
		conn.Close()
	}
	listener.Close()
	all.Wait()
}
