// The one static program inside test images: it needs no shell, no libc and no network.
//
//	program pause      wait for SIGTERM, reap what is orphaned meanwhile
//	program sleep 10s  wait, then exit 0
//	program exit 3     exit with that code
//	program true       exit 0
package main

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

func main() {
	switch argument(1) {
	case "pause":
		pause()
	case "sleep":
		sleep(argument(2))
	case "exit":
		exit(argument(2))
	case "true":
	default:
		fail("use pause, sleep DURATION, exit CODE or true")
	}
}

func pause() {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGCHLD)
	for received := range signals {
		if received != syscall.SIGCHLD {
			return
		}
		reap()
	}
}

func reap() {
	for {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		if err != nil || pid <= 0 {
			return
		}
	}
}

func sleep(text string) {
	duration, err := time.ParseDuration(text)
	if err != nil {
		fail(err)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	select {
	case <-signals:
	case <-time.After(duration):
	}
}

func exit(text string) {
	code, err := strconv.Atoi(text)
	if err != nil {
		fail(err)
	}
	os.Exit(code)
}

func argument(index int) string {
	if len(os.Args) > index {
		return os.Args[index]
	}
	return ""
}

func fail(reason any) {
	fmt.Fprintln(os.Stderr, "program:", reason)
	os.Exit(64)
}
