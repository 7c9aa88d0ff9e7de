package backtest

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// words writes a duration for readers: "1 min", "2 d 6 h", "250 ms".
func words(d time.Duration) string {
	if d < time.Second {
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	}
	var parts []string
	for _, u := range []struct {
		size time.Duration
		name string
	}{{day, "d"}, {time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}} {
		if n := d / u.size; n > 0 {
			parts = append(parts, strconv.FormatInt(int64(n), 10)+" "+u.name)
			d -= n * u.size
		}
		if len(parts) == 2 {
			break
		}
	}
	return strings.Join(parts, " ")
}

// percent writes a share with at most the given decimals, without trailing zeros.
func percent(share float64, decimals int) string {
	scale := math.Pow10(decimals)
	return fmt.Sprintf("%g %%", math.Round(share*100*scale)/scale)
}

// shortSeconds writes seconds with two digits where they are few.
func shortSeconds(v float64) string {
	if v < 10 {
		return fmt.Sprintf("%.2g s", v)
	}
	return fmt.Sprintf("%.0f s", v)
}
