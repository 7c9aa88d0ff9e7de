package promclient

import (
	"bytes"
	"context"
	"maps"
	"net/http"
)

// Send sends a request to a path below the URL, such as /api/v1/read, for what is no query:
// with the credentials, the patience and the errors of queries. It returns the header and
// the body of the answer, of at most Config.MaxBytes.
func (c *Client) Send(ctx context.Context, method, path string, header http.Header, body []byte) (http.Header, []byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.cfg.Timeout, ErrTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.exchange.URL(path, nil).String(), bytes.NewReader(body))
	if err != nil {
		return nil, nil, c.wrap(err, "%s", path)
	}
	maps.Copy(req.Header, header)
	resp, answer, err := c.exchange.Do(ctx, req)
	if err == nil && resp.StatusCode/100 != 2 {
		err = statusError(resp, answer)
	}
	if err != nil {
		return nil, nil, c.wrap(checked(ctx, nil, err), "%s", path)
	}
	return resp.Header, answer, nil
}
