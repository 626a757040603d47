// SPDX-License-Identifier: Apache-2.0

// A node of a cluster that elects a leader, as in Raft: terms, votes, heartbeats. An ordinary Go
// program: its links to the other nodes are the descriptors 3 and on, sockets for datagrams.
//
// It ends after ten seconds with 0 when it knows a leader, and with 1 when it does not, or when it
// has seen two leaders in one term.
//
//	weft run --virtual-time --world cluster.toml
package main

import (
	"encoding/binary"
	"math/rand"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	heartbeat   = 100 * time.Millisecond
	electionMin = 300 * time.Millisecond // And up to twice of it, by chance.
	runFor      = 10 * time.Second
)

type kind byte

const (
	requestVote kind = iota
	vote
	alive // The leader's heartbeat.
	late  // The answer to a heartbeat of an earlier term.
)

type message struct {
	from int // The index of its sender in peers.
	kind kind
	term uint32
}

type role byte

const (
	follower role = iota
	candidate
	leader
)

const nobody, self = -1, -2 // Beside the indices of peers.

type node struct {
	name     string
	peers    []string
	links    []*os.File
	role     role
	term     uint32
	votedFor int // In this term.
	leads    int // In this term.
	votes    map[int]bool
	deadline time.Time // Of the next heartbeat of a leader, of an election of others.
}

func fail(what string) {
	os.Stderr.WriteString(what + "\n")
	os.Exit(1)
}

func (n *node) send(to int, k kind) {
	var bytes [5]byte
	bytes[0] = byte(k)
	binary.LittleEndian.PutUint32(bytes[1:], n.term)
	if _, err := n.links[to].Write(bytes[:]); err != nil {
		fail(n.name + ": " + err.Error())
	}
}

func (n *node) sendAll(k kind) {
	for to := range n.links {
		n.send(to, k)
	}
}

func receive(from int, link *os.File, inbox chan<- message) {
	var bytes [16]byte
	for {
		size, err := link.Read(bytes[:])
		if err != nil || size != 5 {
			fail("a link broke")
		}
		inbox <- message{from, kind(bytes[0]), binary.LittleEndian.Uint32(bytes[1:])}
	}
}

func (n *node) wait() {
	n.deadline = time.Now().Add(electionMin + time.Duration(rand.Int63n(int64(electionMin))))
}

func (n *node) enter(term uint32) {
	n.term, n.role, n.votedFor, n.leads = term, follower, nobody, nobody
}

func (n *node) lead() {
	n.role, n.leads = leader, self
	n.deadline = time.Now().Add(heartbeat)
	os.Stdout.WriteString(n.name + " leads in term " + strconv.Itoa(int(n.term)) + "\n")
	n.sendAll(alive)
}

func (n *node) stand() {
	n.enter(n.term + 1)
	n.role, n.votedFor = candidate, self
	n.votes = map[int]bool{self: true}
	n.wait()
	n.sendAll(requestVote)
}

func (n *node) handle(m message) {
	if m.term > n.term {
		if n.role == leader {
			n.wait()
		}
		n.enter(m.term)
	}
	switch m.kind {
	case requestVote:
		if m.term == n.term && (n.votedFor == nobody || n.votedFor == m.from) {
			n.votedFor = m.from
			n.wait()
			n.send(m.from, vote)
		}
	case vote:
		if m.term == n.term && n.role == candidate {
			n.votes[m.from] = true
			if len(n.votes) > (len(n.peers)+1)/2 {
				n.lead()
			}
		}
	case alive:
		if m.term < n.term {
			n.send(m.from, late)
		} else {
			if n.leads != nobody && n.leads != m.from {
				fail(n.name + ": two leaders in term " + strconv.Itoa(int(n.term)))
			}
			n.role, n.leads = follower, m.from
			n.wait()
		}
	}
}

// The deadline has come.
func (n *node) due() {
	if n.role == leader {
		n.deadline = n.deadline.Add(heartbeat)
		n.sendAll(alive)
	} else {
		n.stand()
	}
}

func (n *node) end() {
	switch n.leads {
	case nobody:
		fail(n.name + " knows no leader")
	case self:
		os.Stdout.WriteString(n.name + " ends as leader of term " + strconv.Itoa(int(n.term)) + "\n")
	default:
		os.Stdout.WriteString(n.name + " follows " + n.peers[n.leads] + " in term " +
			strconv.Itoa(int(n.term)) + "\n")
	}
}

func main() {
	n := &node{name: os.Getenv("WEFT_NAME"), peers: strings.Split(os.Getenv("WEFT_LINKS"), ",")}
	inbox := make(chan message, 16)
	for i, peer := range n.peers {
		n.links = append(n.links, os.NewFile(uintptr(3+i), peer))
		go receive(i, n.links[i], inbox)
	}
	n.enter(0)
	n.wait()
	end := time.After(runFor)
	armed := n.deadline
	timer := time.NewTimer(time.Until(armed))
	for {
		select {
		case m := <-inbox:
			n.handle(m)
		case <-timer.C:
			if !time.Now().Before(n.deadline) { // It may have moved since the timer was set.
				n.due()
			}
			armed = time.Time{}
		case <-end:
			n.end()
			return
		}
		if armed.IsZero() || n.deadline.Before(armed) {
			armed = n.deadline
			timer.Reset(time.Until(armed))
		}
	}
}
