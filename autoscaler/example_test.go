package autoscaler_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"hindcast.dev/autoscaler"
	"hindcast.dev/policy"
)

// perPod is a policy that gives every 100 requests/s a replica.
type perPod struct{}

func (perPod) Needs() policy.Needs {
	return policy.Needs{Interval: 30 * time.Second, Queries: []policy.Query{{Name: "load", Expr: "sum(rate(requests_total[1m]))"}}}
}

func (perPod) Decide(in policy.Input) policy.Decision {
	load := in.Values[0]
	if load.Err != nil {
		return policy.Decision{Replicas: in.Spec, Raw: in.Spec, Hold: true, Reason: "NoLoad: " + load.Err.Error()}
	}
	n := int32(load.Value / 100)
	return policy.Decision{Replicas: n, Raw: n, Reason: "PerPod: 100 requests/s each"}
}

// A loop is a policy and the four things it may touch; here all of them are made up.
func Example() {
	load := map[time.Time]float64{after(0): 300, after(30): 700, after(90): 200}
	loop, err := autoscaler.New(autoscaler.Config{
		Policy: perPod{},
		Clock:  &fakeClock{now: start, end: after(90)},
		Querier: fakeQuerier{"sum(rate(requests_total[1m]))": func(at time.Time) (float64, error) {
			if v, ok := load[at]; ok {
				return v, nil
			}
			return 0, policy.ErrNoData
		}},
		Scaler:   &fakeScaler{spec: 3},
		Recorder: printer{},
		First:    start,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := loop.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 12:00:00 3 -> 3 PerPod: 100 requests/s each
	// 12:00:30 3 -> 7 PerPod: 100 requests/s each
	// 12:01:00 7 -> 7 NoLoad: no data
	// 12:01:30 7 -> 2 PerPod: 100 requests/s each
}

type printer struct{}

func (printer) Record(s autoscaler.Step) {
	fmt.Println(s.Input.Now.Format(time.TimeOnly), s.Input.Spec, "->", s.Decision.Replicas, s.Decision.Reason)
}

// A log holds enough for a policy to decide again, and for another one to say what it
// would have done.
func ExampleReadLog() {
	const decisions = `
{"time":"2026-03-02T12:00:00Z","spec":3,"status":3,"values":[{"name":"load","value":700}],"replicas":7,"raw":7,"reason":"PerPod: 100 requests/s each","scaled":true}
{"time":"2026-03-02T12:00:30Z","spec":7,"status":7,"values":[{"name":"load","value":null,"error":"no data","noData":true}],"replicas":7,"raw":7,"hold":true,"reason":"NoLoad: no data"}
`
	for rec, err := range autoscaler.ReadLog(strings.NewReader(decisions)) {
		if err != nil {
			fmt.Println(err)
			return
		}
		again := perPod{}.Decide(rec.Input())
		fmt.Println(again.Replicas, again.Reason, again.Replicas == rec.Replicas)
	}
	// Output:
	// 7 PerPod: 100 requests/s each true
	// 7 NoLoad: no data true
}

func ExampleNewLog() {
	log := autoscaler.NewLog(os.Stdout)
	log.Record(autoscaler.Step{
		Input:    policy.Input{Now: start, Spec: 2, Status: 2, Values: []policy.Value{{Name: "load", Err: policy.ErrNoData}}},
		Decision: policy.Decision{Replicas: 2, Raw: 2, Hold: true, Reason: "NoLoad: no data"},
	})
	if err := log.Err(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"time":"2026-03-02T12:00:00Z","spec":2,"status":2,"values":[{"name":"load","value":null,"error":"no data","noData":true}],"replicas":2,"hold":true,"raw":2,"reason":"NoLoad: no data"}
}
