package liveflags

import (
	"crypto/tls"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"
)

// check lists what is wrong with values of flags that the rest would take for something
// else: below the flags 0 is a default, and a folder without a certificate a wish for a
// self-signed one.
func check(c *cli.Context) error {
	var faults []error
	for _, name := range []string{"query-timeout", "history", "default-lead"} {
		if d := c.Duration(name); d <= 0 {
			faults = append(faults, fmt.Errorf("--%s %v is not above 0", name, d))
		}
	}
	for _, name := range []string{"namespace-query-rate", "kube-api-qps"} {
		if v := c.Float64(name); !(v > 0) { // nor NaN
			faults = append(faults, fmt.Errorf("--%s %v is not above 0", name, v))
		}
	}
	if n := c.Int("warm-ups"); n < 1 {
		faults = append(faults, fmt.Errorf("--warm-ups %d is not 1 or more", n))
	}
	if dir := c.String("metrics-cert-dir"); dir != "" {
		if c.Bool("insecure-metrics") {
			faults = append(faults, errors.New("--metrics-cert-dir and --insecure-metrics exclude each other"))
		}
		if _, err := tls.LoadX509KeyPair(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")); err != nil {
			faults = append(faults, fmt.Errorf("--metrics-cert-dir %s: %w; without the flag the certificate is self-signed", dir, err))
		}
	}
	return errors.Join(faults...)
}
