package liveflags

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"hindcast.dev/live"
)

// externalOptions say where external metrics are served.
func externalOptions(c *cli.Context) (live.ExternalOptions, error) {
	o := live.ExternalOptions{Address: c.String("external-metrics-address"), CertDir: c.String("external-metrics-cert-dir")}
	if o.Address == "" {
		return o, nil
	}
	if o.CertDir == "" {
		return o, errors.New("--external-metrics-address needs --external-metrics-cert-dir: a folder with tls.crt and tls.key, such as a mounted Secret")
	}
	service := c.String("external-metrics-service")
	namespace, name, ok := strings.Cut(service, "/")
	if !ok || namespace == "" || name == "" || strings.Contains(name, "/") {
		return o, fmt.Errorf("--external-metrics-service %q is not NAMESPACE/NAME", service)
	}
	o.Service.Namespace, o.Service.Name = namespace, name
	return o, nil
}

// kedaOptions say where KEDA is answered.
func kedaOptions(c *cli.Context) (live.KEDAOptions, error) {
	o := live.KEDAOptions{
		Address: c.String("keda-address"), CertDir: c.String("keda-cert-dir"),
		ClientCA: c.String("keda-client-ca"), ClientNames: c.StringSlice("keda-client-name"),
	}
	if o.Address == "" {
		return o, nil
	}
	if o.CertDir == "" {
		return o, errors.New("--keda-address needs --keda-cert-dir: a folder with tls.crt, tls.key and, without --keda-client-ca, ca.crt")
	}
	if o.ClientCA == "" {
		o.ClientCA = filepath.Join(o.CertDir, "ca.crt")
	}
	return o, nil
}
