package external

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// APIServiceName is the object that says who serves external metrics: there is one in a
// cluster, so that only one can.
const APIServiceName = "v1beta1.external.metrics.k8s.io"

// A ForeignError says that external metrics are served by somebody else.
type ForeignError struct{ Owner string }

func (e *ForeignError) Error() string {
	return fmt.Sprintf("APIService %s belongs to %s, and a cluster has one server of external metrics; "+
		"run without --external-metrics-address, with KEDA use --keda-address, or delete that APIService", APIServiceName, e.Owner)
}

// CheckAPIService returns a ForeignError if external metrics are served by another than
// service, and nil where nobody or service does.
func CheckAPIService(ctx context.Context, reader client.Reader, service client.ObjectKey) error {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiregistration.k8s.io", Version: "v1", Kind: "APIService"})
	switch err := reader.Get(ctx, client.ObjectKey{Name: APIServiceName}, object); {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("look who serves external metrics: %w", err)
	}
	spec, _, _ := unstructured.NestedMap(object.Object, "spec", "service")
	if spec == nil {
		return &ForeignError{"the API server itself"}
	}
	namespace, _ := spec["namespace"].(string)
	name, _ := spec["name"].(string)
	if found := (client.ObjectKey{Namespace: namespace, Name: name}); found != service {
		return &ForeignError{fmt.Sprintf("service %s, not to %s", found, service)}
	}
	return nil
}
