package importer

// azureLLM is the trace of requests to language models, of 2023 and 2024: a row a
// request with a date without a zone, its tokens in and out.
func azureLLM() Format {
	return csvFormat(Format{
		Name:   "azure-llm",
		Title:  "Azure LLM inference 2023 and 2024, a row a request with its tokens",
		sorted: true,
	}, func() csvSpec {
		return csvSpec{
			separator: ',',
			names:     []string{"timestamp", "contexttokens", "generatedtokens"},
			columns: []column{
				{name: "requests", kind: rate}, {name: "context_tokens", kind: rate}, {name: "generated_tokens", kind: rate},
			},
			row: func(r *csvRow) why {
				return r.tokens(0, 1, 2, r.zone.parse)
			},
		}
	})
}

const noTokens why = "the tokens are no number of at least 0"

// tokens reads a request with its time, its tokens in and its tokens out.
func (r *csvRow) tokens(at, in, out int, parse func([]byte) (int64, why)) why {
	t, w := parse(r.field(at))
	if w != "" {
		return w
	}
	context, ok1 := r.float(in)
	generated, ok2 := r.float(out)
	if !ok1 || !ok2 || context < 0 || generated < 0 {
		return noTokens
	}
	r.at = t
	r.out[0], r.out[1], r.out[2] = 1, context, generated
	return ""
}
