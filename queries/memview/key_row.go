package memview

import (
	"encoding/binary"
	"time"

	"github.com/google/uuid"

	"github.com/seed5b6a70b4/identity/domain"
)

// A key in a snapshot is, numbers little-endian:
//
//	id, owner         16 bytes each
//	seq               8 bytes
//	created, updated  8 bytes each, Unix milliseconds
//	flags             1 byte, as in row.go
//	origin, hash, label, then the number of scopes (4 bytes) and the scopes: each
//	its length (4 bytes) and bytes

func (k *keys) appendAll(b []byte) []byte {
	k.mu.RLock()
	defer k.mu.RUnlock()
	b = binary.LittleEndian.AppendUint32(b, uint32(len(k.rows)))
	for _, key := range k.rows {
		b = appendKey(b, &key)
	}
	return b
}

func appendKey(b []byte, key *domain.APIKey) []byte {
	b = append(append(b, key.ID.UUID[:]...), key.Owner.UUID[:]...)
	b = binary.LittleEndian.AppendUint64(b, key.Seq)
	b = binary.LittleEndian.AppendUint64(b, uint64(key.CreatedAt.UnixMilli()))
	b = binary.LittleEndian.AppendUint64(b, uint64(key.UpdatedAt.UnixMilli()))
	var flags byte
	if key.Active {
		flags |= rowActive
	}
	if key.Removed {
		flags |= rowRemoved
	}
	b = append(b, flags)
	for _, text := range []string{key.Origin, key.Hash, key.Label.String()} {
		b = appendSized(b, text)
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(key.Scopes)))
	for _, scope := range key.Scopes {
		b = appendSized(b, scope)
	}
	return b
}

func appendSized[T ~string | ~[]byte](b []byte, text T) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(text)))
	return append(b, text...)
}

func (k *keys) load(s *source) error {
	count, err := s.count()
	if err != nil {
		return err
	}
	for range count {
		key, err := s.key()
		if err != nil {
			return err
		}
		k.set(key)
	}
	return nil
}

func (s *source) key() (domain.APIKey, error) {
	fixed, err := s.take(2*16 + 3*8 + 1)
	if err != nil {
		return domain.APIKey{}, err
	}
	key := domain.APIKey{ID: domain.KeyID{UUID: uuid.UUID(fixed[:16])}, Owner: domain.UserID{UUID: uuid.UUID(fixed[16:32])}}
	key.Seq = binary.LittleEndian.Uint64(fixed[32:])
	key.CreatedAt = time.UnixMilli(int64(binary.LittleEndian.Uint64(fixed[40:]))).UTC()
	key.UpdatedAt = time.UnixMilli(int64(binary.LittleEndian.Uint64(fixed[48:]))).UTC()
	key.Active, key.Removed = fixed[56]&rowActive != 0, fixed[56]&rowRemoved != 0
	var texts [3]string
	for i := range texts {
		text, err := s.text()
		if err != nil {
			return domain.APIKey{}, err
		}
		texts[i] = string(text)
	}
	key.Origin, key.Hash, key.Label = texts[0], texts[1], domain.Stored[domain.Text](texts[2])
	scopes, err := s.count()
	if err != nil {
		return domain.APIKey{}, err
	}
	for range scopes {
		scope, err := s.text()
		if err != nil {
			return domain.APIKey{}, err
		}
		key.Scopes = append(key.Scopes, domain.Scope(scope))
	}
	return key, nil
}
