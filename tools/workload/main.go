// The only program in the lab's images: it waits (as the pause container must), uses memory or burns CPU, and serves
// HTTP for probes. Everything is steered by arguments so that one image of 2 MB is enough for every test.
package main

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

func main() {
	memory := flag.Int("memory", 0, "MiB to touch and keep")
	growth := flag.Int("growth", 100, "MiB per second while reaching -memory")
	cpu := flag.Float64("cpu", 0, "cores to burn")
	port := flag.Int("port", 0, "serve 200 OK on this port")
	exit := flag.Duration("exit", 0, "end with code 0 after this long; 0 = at SIGTERM only")
	flag.Parse()

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	if *port > 0 {
		handler := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }
		go func() {
			fmt.Fprintln(os.Stderr, http.ListenAndServe(fmt.Sprintf(":%d", *port), http.HandlerFunc(handler)))
			os.Exit(1)
		}()
	}
	for rest := *cpu; rest > 0; rest-- {
		go burn(min(rest, 1))
	}
	go hold(*memory, *growth)
	if *exit > 0 {
		time.AfterFunc(*exit, func() { stop <- syscall.SIGTERM })
	}
	<-stop
}

// burn uses the given part of one core, in slices short against the CFS period of 100 ms.
func burn(share float64) {
	runtime.LockOSThread()
	const slice = 10 * time.Millisecond
	for {
		for until := time.Now().Add(time.Duration(share * float64(slice))); time.Now().Before(until); {
		}
		time.Sleep(time.Duration((1 - share) * float64(slice)))
	}
}

func hold(megabytes, perSecond int) {
	var kept [][]byte
	for range megabytes {
		block := make([]byte, 1<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		kept = append(kept, block)
		time.Sleep(time.Second / time.Duration(perSecond))
	}
	if megabytes > 0 {
		fmt.Println("holding MiB:", len(kept))
	}
	select {}
}
