// What loopbench's micro-benchmarks of child processes do, in Go: `go-micro --count 67108864 communicate`, or `read`.
//
// Prints the wall-clock time in nanoseconds.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"
)

func main() {
	count := flag.Int("count", 64<<20, "how many bytes are piped")
	flag.Parse()
	var child *exec.Cmd
	switch flag.Arg(0) {
	case "communicate":
		child = exec.Command("cat")
		child.Stdin = bytes.NewReader(bytes.Repeat([]byte{7}, *count))
	case "read":
		child = exec.Command("head", "-c", strconv.Itoa(*count), "/dev/zero")
	default:
		fmt.Fprintln(os.Stderr, "go-micro: give one of communicate, read")
		os.Exit(64)
	}
	before := time.Now()
	output, err := child.Output()
	taken := time.Since(before)
	if err != nil || len(output) != *count {
		fmt.Fprintf(os.Stderr, "go-micro: %d bytes of %d came: %v\n", len(output), *count, err)
		os.Exit(1)
	}
	fmt.Println(taken.Nanoseconds())
}
