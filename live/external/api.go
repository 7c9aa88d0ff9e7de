package external

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/metrics/pkg/apis/external_metrics/v1beta1"
)

// root is where the API server passes requests on to.
var root = "/apis/" + v1beta1.SchemeGroupVersion.String()

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+root, s.discover)
	mux.HandleFunc("GET "+root+"/namespaces/{namespace}/{metric}", s.get)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			s.refuse(w, apierrors.NewMethodNotSupported(v1beta1.Resource("externalmetrics"), strings.ToLower(r.Method)))
			return
		}
		s.refuse(w, apierrors.NewNotFound(schema.GroupResource{}, r.URL.Path))
	})
	return mux
}

// discover lists the metrics.
func (s *Server) discover(w http.ResponseWriter, r *http.Request) {
	if !s.may(w, r, func(u *authorizationv1.SubjectAccessReviewSpec) {
		u.NonResourceAttributes = &authorizationv1.NonResourceAttributes{Path: r.URL.Path, Verb: "get"}
	}) {
		return
	}
	list := metav1.APIResourceList{
		TypeMeta:     metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"},
		GroupVersion: v1beta1.SchemeGroupVersion.String(),
	}
	for _, name := range []string{MetricDesired, MetricForecast} {
		list.APIResources = append(list.APIResources, metav1.APIResource{
			Name: name, Namespaced: true, Kind: "ExternalMetricValueList", Verbs: metav1.Verbs{"get"},
		})
	}
	s.answer(w, http.StatusOK, list)
}

// get returns the value of a metric for each scaler that the selector names. One that
// has no value fails all: an HPA would take the sum of the others for the whole.
func (s *Server) get(w http.ResponseWriter, r *http.Request) {
	namespace, metric := r.PathValue("namespace"), r.PathValue("metric")
	if !s.may(w, r, func(u *authorizationv1.SubjectAccessReviewSpec) {
		u.ResourceAttributes = &authorizationv1.ResourceAttributes{
			Namespace: namespace, Verb: "list", Group: v1beta1.GroupName, Version: v1beta1.SchemeGroupVersion.Version, Resource: metric,
		}
	}) {
		return
	}
	if metric != MetricDesired && metric != MetricForecast {
		s.refuse(w, apierrors.NewNotFound(v1beta1.Resource(metric), fmt.Sprintf("of namespace %s: there are %s and %s", namespace, MetricDesired, MetricForecast)))
		return
	}
	names, err := scalersIn(r.FormValue("labelSelector"))
	if err != nil {
		s.refuse(w, apierrors.NewBadRequest(err.Error()))
		return
	}
	list := v1beta1.ExternalMetricValueList{
		TypeMeta: metav1.TypeMeta{Kind: "ExternalMetricValueList", APIVersion: v1beta1.SchemeGroupVersion.String()},
		Items:    []v1beta1.ExternalMetricValue{},
	}
	for _, name := range names {
		d, err := s.cfg.Source.Decision(r.Context(), namespace, name)
		if err == nil {
			var v *resource.Quantity
			if v, err = d.value(metric); err == nil {
				list.Items = append(list.Items, v1beta1.ExternalMetricValue{
					MetricName: metric, MetricLabels: map[string]string{LabelScaler: name}, Timestamp: metav1.NewTime(d.At), Value: *v,
				})
				continue
			}
		}
		s.refuse(w, statusOf(err, namespace, name))
		return
	}
	s.answer(w, http.StatusOK, list)
}

// value is what a metric is, in Kubernetes' milli-units, rounded up.
func (d Decision) value(metric string) (*resource.Quantity, error) {
	if metric == MetricDesired {
		return resource.NewQuantity(int64(d.Replicas), resource.DecimalSI), nil
	}
	switch milli := math.Ceil(d.Forecast * 1000 * (1 - 1e-12)); {
	case d.NoForecast != "":
		return nil, fmt.Errorf("%w: %s", ErrNoDecision, d.NoForecast)
	case !(math.Abs(milli) < math.MaxInt64):
		return nil, fmt.Errorf("%w: the forecast %v is no number that Kubernetes can hold", ErrNoDecision, d.Forecast)
	default:
		return resource.NewMilliQuantity(int64(milli), resource.DecimalSI), nil
	}
}

// scalersIn returns the scalers that a label selector names, in order. It must name them:
// the sum over whatever there is in a namespace is nothing to scale by.
func scalersIn(text string) ([]string, error) {
	const remedy = "; name the scaler: selector: {matchLabels: {" + LabelScaler + ": NAME}}"
	selector, err := labels.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("labelSelector: %w", err)
	}
	requirements, _ := selector.Requirements()
	var names []string
	for i, r := range requirements {
		switch r.Operator() {
		case selection.Equals, selection.DoubleEquals, selection.In:
		default:
			return nil, fmt.Errorf("labelSelector %q leaves the scaler open%s", text, remedy)
		}
		if r.Key() != LabelScaler || i > 0 {
			return nil, fmt.Errorf("labelSelector %q asks for more than the one label %s%s", text, LabelScaler, remedy)
		}
		names = slices.Sorted(slices.Values(r.ValuesUnsorted()))
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("there is no labelSelector%s", remedy)
	}
	return names, nil
}

// statusOf turns an error of a Source into one of the API.
func statusOf(err error, namespace, scaler string) *apierrors.StatusError {
	text := fmt.Sprintf("PredictiveScaler %s/%s: %v", namespace, scaler, err)
	code, reason := int32(http.StatusInternalServerError), metav1.StatusReasonInternalError
	switch {
	case errors.Is(err, ErrNotFound):
		code, reason = http.StatusNotFound, metav1.StatusReasonNotFound
	case errors.Is(err, ErrNotServed):
		code, reason = http.StatusConflict, metav1.StatusReasonConflict
	case errors.Is(err, ErrNoDecision):
		code, reason = http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable
	}
	return &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: code, Reason: reason, Message: text}}
}

// may answers the request itself, and returns false, if whoever the front proxy speaks
// for may not do this.
func (s *Server) may(w http.ResponseWriter, r *http.Request, what func(*authorizationv1.SubjectAccessReviewSpec)) bool {
	user, ok := s.proxy.userOf(r.Header)
	if !ok {
		s.refuse(w, apierrors.NewUnauthorized("the request does not say whose it is"))
		return false
	}
	what(&user)
	ok, why, err := s.authorize.allows(r.Context(), user, time.Now())
	switch {
	case err != nil:
		s.cfg.Log.Error("external metrics", "err", err)
		s.refuse(w, apierrors.NewInternalError(errors.New("the API server did not say what the user may do")))
	case !ok:
		s.refuse(w, apierrors.NewForbidden(v1beta1.Resource(r.PathValue("metric")), "", fmt.Errorf("user %q may not: %s", user.User, why)))
	default:
		return true
	}
	return false
}

func (s *Server) refuse(w http.ResponseWriter, err *apierrors.StatusError) {
	status := err.ErrStatus
	status.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
	s.answer(w, int(status.Code), status)
}

func (s *Server) answer(w http.ResponseWriter, code int, object any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	if err := json.NewEncoder(w).Encode(object); err != nil {
		s.cfg.Log.Debug("external metrics", "err", err) // the client went away
	}
}
