// Command accesslog writes a synthetic access log to measure imports with, in the
// combined form of nginx with $request_time behind:
//
//	go run ./scripts/accesslog -bytes 2000000000 > access.log
//
// The same number of bytes gives the same log: about 247 bytes a line and 20 requests a
// second from 1 March 2026 on, up to three seconds out of order.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"time"
)

func main() {
	bytes := flag.Int64("bytes", 100_000_000, "stop after so many bytes, at the end of a line")
	flag.Parse()
	w := bufio.NewWriterSize(os.Stdout, 1<<20)
	if err := write(w, *bytes); err != nil {
		fmt.Fprintln(os.Stderr, "accesslog:", err)
		os.Exit(1)
	}
}

func write(w *bufio.Writer, bytes int64) error {
	rng := rand.New(rand.NewPCG(1, 2))
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	codes := []int{200, 200, 200, 200, 200, 304, 404, 503}
	var line []byte
	for i := 0; bytes > 0; i++ {
		at := start.Add(time.Duration(i/20-rng.IntN(4)) * time.Second)
		line = fmt.Appendf(line[:0], "203.0.113.%d - - [", rng.IntN(256))
		line = at.AppendFormat(line, "02/Jan/2006:15:04:05 -0700")
		line = fmt.Appendf(line, `] "GET /shop/items/%d?sort=price&page=%d HTTP/1.1" %d %d`, rng.IntN(1e6), rng.IntN(50), codes[rng.IntN(len(codes))], rng.IntN(100_000))
		line = fmt.Appendf(line, ` "https://shop.example.org/" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36" %.3f`+"\n",
			rng.ExpFloat64()/5)
		if _, err := w.Write(line); err != nil {
			return err
		}
		bytes -= int64(len(line))
	}
	return w.Flush()
}
