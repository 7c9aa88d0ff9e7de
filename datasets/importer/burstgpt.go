package importer

// burstGPT is the trace of requests to ChatGPT and GPT-4 at a university (Wang et al.,
// 2024): a row a request, with seconds since midnight of its first day. A request
// without response tokens failed.
func burstGPT() Format {
	return csvFormat(Format{
		Name:   "burstgpt",
		Title:  "BurstGPT, a row a request with its tokens",
		sorted: true,
	}, func() csvSpec {
		return csvSpec{
			separator: ',',
			names:     []string{"timestamp", "request tokens", "response tokens", "model"},
			columns: []column{
				{name: "requests", kind: rate}, {name: "request_tokens", kind: rate},
				{name: "response_tokens", kind: rate}, {name: "errors", kind: rate},
			},
			row: func(r *csvRow) why {
				w := r.tokens(0, 1, 2, func(b []byte) (int64, why) {
					w := r.undatedTime(b, second)
					return r.at, w
				})
				r.out[3] = 0
				if r.out[2] == 0 {
					r.out[3] = 1
				}
				return w
			},
		}
	})
}
