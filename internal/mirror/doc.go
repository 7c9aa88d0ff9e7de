// Package mirror is tests only: it holds what reads an embedded database against what
// asks a real server for the same blocks. Neither side may import the other, so the
// comparison lives outside both.
package mirror
