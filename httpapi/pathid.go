package httpapi

import (
	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
)

// pathID reads an id of the path. One that is malformed names nothing.
func pathID[E any](x *exchange, name string) (domain.ID[E], error) {
	id, err := domain.ParseID[E](x.r.PathValue(name))
	if err != nil {
		return id, notFound()
	}
	return id, nil
}

func (x *exchange) pathUUID(name string) (uuid.UUID, error) {
	id, err := pathID[domain.User](x, name)
	return id.UUID, err
}
