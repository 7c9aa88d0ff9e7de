package policy_test

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"

	"hindcast.dev/policy"
)

// TestHPAEqualsKubernetes replays random scenarios that the controller of Kubernetes
// 1.37.2 went through, compiled from its source by testdata/hpa_upstream.sh, and
// wants the same replicas and conditions after every sync.
func TestHPAEqualsKubernetes(t *testing.T) {
	f, err := os.Open("testdata/hpa_upstream.golden")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<16)
	count := uint64(0)
	for ; lines.Scan(); count++ {
		seed, line, _ := strings.Cut(lines.Text(), ": ")
		if seed != strconv.FormatUint(count, 10) {
			t.Fatalf("line %d has seed %s", count, seed)
		}
		replay(t, count, strings.Fields(line))
	}
	if count < 300 {
		t.Errorf("only %d scenarios", count)
	}
}

func replay(t *testing.T, seed uint64, want []string) {
	s := newScenario(seed)
	h, err := policy.NewHPA(s.spec, policy.HPAConfig{})
	if err != nil {
		t.Errorf("scenario %d: %v", seed, err)
		return
	}
	now, spec := epoch, s.first
	for i := range s.steps {
		st := &s.steps[i]
		now = now.Add(st.after)
		if st.override >= 0 {
			spec = st.override
		}
		d := h.Decide(scenarioInput(now, spec, &s.spec, st))
		failed := false
		if d.Replicas != spec {
			if failed = st.updateFails; !failed {
				h.Commit(now, spec, d.Replicas)
				spec = d.Replicas
			}
		}
		if got := summary(spec, h.Conditions(), failed); got != want[i] {
			t.Errorf("scenario %d, sync %d: %s, want %s (%s; %+v)", seed, i, got, want[i], d.Reason, d.Proposals)
			return
		}
	}
}

// scenarioInput shows a step to a policy. The Pods metric arrives as the sum and the
// number of its samples.
func scenarioInput(now time.Time, spec int32, hpa *autoscalingv2.HorizontalPodAutoscalerSpec, st *scenarioStep) policy.Input {
	in := policy.Input{Now: now, Spec: spec, Status: int32(len(st.pods))}
	if st.podsFail {
		in.PodsErr = policy.ErrNoData
	}
	ago := func(d time.Duration) time.Time {
		if d < 0 {
			return time.Time{}
		}
		return now.Add(-d)
	}
	sum, count := int64(0), 0
	for i, p := range st.pods {
		pod := policy.Pod{
			Name: fmt.Sprintf("shop-%02d", i), Deleting: p.deleting, Ready: p.ready && p.readyChanged >= 0,
			Started: ago(p.started), ReadyChanged: ago(p.readyChanged),
			RequestMilliCPU: p.cpu, RequestBytes: p.memory,
		}
		switch p.phase {
		case corev1.PodPending:
			pod.Phase = policy.PodPending
		case corev1.PodRunning:
			pod.Phase = policy.PodRunning
		case corev1.PodFailed:
			pod.Phase = policy.PodFailed
		default: // The scenarios have no other phase.
		}
		if p.sampled >= 0 {
			pod.Sample = &policy.PodSample{MilliCPU: p.cpuUsed, Bytes: p.memoryUsed, Time: ago(p.sampled), Window: p.window}
		}
		if p.custom >= 0 && p.phase == corev1.PodRunning && !p.deleting {
			sum += p.custom
			count++
		}
		in.Pods = append(in.Pods, pod)
	}
	global := 0
	for _, m := range hpa.Metrics {
		switch {
		case m.Pods != nil && count == 0:
			in.Values = append(in.Values, policy.Value{Err: policy.ErrNoData}, policy.Value{Err: policy.ErrNoData})
		case m.Pods != nil:
			in.Values = append(in.Values, policy.Value{Value: float64(sum) / 1000}, policy.Value{Value: float64(count)})
		case m.Object != nil || m.External != nil:
			v := policy.Value{Value: float64(st.values[global]) / 1000}
			if st.values[global] < 0 {
				v = policy.Value{Err: policy.ErrNoData}
			}
			in.Values = append(in.Values, v)
			global++
		}
	}
	return in
}

// summary writes replicas and conditions as the golden file does: reasons by their
// capitals. That an update failed is known to the loop only.
func summary(spec int32, c policy.HPAConditions, updateFailed bool) string {
	able := capitals(c.AbleToScale.Reason)
	if updateFailed {
		able = "FUS"
	}
	return fmt.Sprintf("%d.%s.%s.%s", spec, able, capitals(c.ScalingActive.Reason), capitals(c.ScalingLimited.Reason))
}

func capitals(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return r
		}
		return -1
	}, s)
}

var epoch = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
