package metricnames

// Names of what an application behind the scaler exposes.
const (
	HTTPRequests     = "http_requests_total"
	HTTPDuration     = "http_request_duration_seconds"
	HTTPInFlight     = "http_requests_in_flight"
	HTTPQueued       = "http_requests_queued"
	HTTPConnections  = "http_connections_active"
	CacheHits        = "cache_hits_total"
	CacheMisses      = "cache_misses_total"
	DBQueryDuration  = "db_query_duration_seconds"
	ExternalDuration = "external_api_duration_seconds"
	Transactions     = "business_transactions_total"
)

var application = []Metric{
	{Transactions, Counter, "", []string{"namespace", "pod", "type"}, App, "Business transactions that were completed."},
	{CacheHits, Counter, "", []string{"namespace", "pod"}, App, "Look-ups that the cache answered."},
	{CacheMisses, Counter, "", []string{"namespace", "pod"}, App, "Look-ups that the cache could not answer."},
	{DBQueryDuration, Histogram, "seconds", []string{"namespace", "pod"}, App, "Time that queries of the database took."},
	{ExternalDuration, Summary, "seconds", []string{"namespace", "pod"}, App, "Time that calls of other services took."},
	{HTTPConnections, Gauge, "connections", []string{"namespace", "pod"}, App, "Open connections, idle ones included."},
	{HTTPDuration, Histogram, "seconds", []string{"namespace", "pod"}, App, "Response time of requests that were not shed."},
	{HTTPInFlight, Gauge, "requests", []string{"namespace", "pod"}, App, "Requests that came in and are not yet answered, those that wait among them."},
	{HTTPQueued, Gauge, "requests", []string{"namespace", "pod"}, App, "Requests in flight that wait to be worked on: in a backtest for a core, in the sample application for a thread."},
	{HTTPRequests, Counter, "", []string{"namespace", "pod", "code"}, App, "Requests that were answered, by status code."},
}
