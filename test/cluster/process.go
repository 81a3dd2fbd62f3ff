// Copyright 2026 The Behalf Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// stopPatience is how long a process may take to end by itself before it is killed.
const stopPatience = 10 * time.Second

// Process is a program that was started here and is stopped here.
type Process struct {
	name string
	log  string
	cmd  *exec.Cmd
	done chan struct{}
}

// Command says what to run.
type Command struct {
	// Name is for people, and for the log's file name.
	Name string
	Path string
	Args []string
	// Env is added to this process's own.
	Env []string
}

// Run starts a command with its output in dir/NAME.log. The process does not outlive this one, however this one ends,
// unless outlive says so: then it goes on until somebody stops it by its process id.
func Run(dir string, command Command, outlive bool) (*Process, error) {
	logPath := filepath.Join(dir, command.Name+".log")
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("starting %s: opening its log: %w", command.Name, err)
	}
	defer log.Close() // The child has its own copy.

	cmd := exec.Command(command.Path, command.Args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), command.Env...)
	cmd.SysProcAttr = attributes(outlive)
	if err := spawn(cmd); err != nil {
		return nil, fmt.Errorf("starting %s: %w", command.Name, err)
	}
	p := &Process{name: command.Name, log: logPath, cmd: cmd, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // How it ended stands in cmd.ProcessState.
		close(p.done)
	}()
	return p, nil
}

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exited says in an error that the process has ended although nobody stopped it, with the last of its log; nil while it runs.
func (p *Process) Exited() error {
	select {
	case <-p.done:
		return fmt.Errorf("%s ended: %s; the end of %s:\n%s", p.name, p.cmd.ProcessState, p.log, p.tail(2048))
	default:
		return nil
	}
}

// Stop asks the process to end, waits, and kills it if it does not.
func (p *Process) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // It may have ended already.
	select {
	case <-p.done:
	case <-time.After(stopPatience):
		p.Kill()
	}
}

// Kill ends the process at once.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // It may have ended already.
	<-p.done
}

// tail is the end of the log, for errors.
func (p *Process) tail(size int64) []byte {
	raw, err := os.ReadFile(p.log)
	if err != nil {
		return []byte(err.Error())
	}
	if int64(len(raw)) > size {
		raw = raw[int64(len(raw))-size:]
	}
	return bytes.TrimSpace(raw)
}

// spawn starts a command from one thread that lives as long as this process: the kernel sends the parent-death signal
// when the thread that started the child ends, and Go ends threads as it likes.
func spawn(cmd *exec.Cmd) error {
	startSpawner()
	answer := make(chan error)
	spawns <- spawnRequest{cmd: cmd, answer: answer}
	return <-answer
}

type spawnRequest struct {
	cmd    *exec.Cmd
	answer chan<- error
}

var (
	spawns       = make(chan spawnRequest)
	startSpawner = sync.OnceFunc(func() {
		go func() {
			runtime.LockOSThread()
			for request := range spawns {
				request.answer <- request.cmd.Start()
			}
		}()
	})
)

// StopPID stops a process that an earlier run left behind: it asks, waits, and kills. One that is gone is no error.
func StopPID(pid int) error {
	if err := syscall.Kill(pid, syscall.SIGTERM); errors.Is(err, syscall.ESRCH) {
		return nil
	} else if err != nil {
		return fmt.Errorf("stopping process %d: %w", pid, err)
	}
	for deadline := time.Now().Add(stopPatience); time.Now().Before(deadline); {
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			return nil
		}
		<-time.After(50 * time.Millisecond)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("killing process %d: %w", pid, err)
	}
	return nil
}
