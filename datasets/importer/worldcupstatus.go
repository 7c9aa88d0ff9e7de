package importer

// worldCupStatus returns the status code of HTTP that the lower six bits of a record's
// status stand for: the 37 codes of HTTP/1.1 (RFC 2068) in ascending order, of 38 that
// the tools of the log know, the last of which is no code; 0 for that and unknown ones.
func worldCupStatus(b byte) int {
	codes := [...]int{
		100, 101, 200, 201, 202, 203, 204, 205, 206, 300, 301, 302, 303, 304, 305,
		400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415,
		500, 501, 502, 503, 504, 505,
	}
	if i := int(b & 63); i < len(codes) {
		return codes[i]
	}
	return 0
}
