package train

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Event files are what TensorBoard reads: records, framed and with checksums, of protocol buffers. They hold the
// figures of metrics.csv once more, by the training step, at the time that the run would have had without interruptions.
//
//	record  length uint64, mask(crc32c(length)), data, mask(crc32c(data)); little endian
//	Event   1 wall_time double, 2 step int64, 3 file_version string, 5 summary Summary
//	Summary 1 value, repeated: 1 tag string, 2 simple_value float
//
// tensorflow/core/lib/io/record_writer.h; tensorflow/core/util/event.proto;
// tensorflow/core/framework/summary.proto.

// eventFile is the name of the event file of a run that began at the given Unix time.
func eventFile(began int64) string { return fmt.Sprintf("events.out.tfevents.%010d.neocog", began) }

// eventTags are the names of curves in TensorBoard, by column: what stands before the stroke is a group.
var eventTags = map[string]string{
	"loss": "loss/train", "test_loss": "loss/test",
	"accuracy": "accuracy/train", "test_accuracy": "accuracy/test",
	"lr": "lr", "update_ratio": "update_ratio",
}

// eventHead is the first record of an event file.
func eventHead(began int64) string {
	e := event(float64(began), 0)
	e = protowire.AppendTag(e, 3, protowire.BytesType)
	return frame(protowire.AppendString(e, "brain.Event:2"))
}

// eventOf returns the record of an epoch's figures. What was not measured is left out.
func eventOf(began int64, rec Record) string {
	var summary []byte
	for _, c := range columns {
		v := c.get(&rec)
		tag := eventTags[c.name]
		if tag == "" || math.IsNaN(v) {
			continue
		}
		var value []byte
		value = protowire.AppendTag(value, 1, protowire.BytesType)
		value = protowire.AppendString(value, tag)
		value = protowire.AppendTag(value, 2, protowire.Fixed32Type)
		value = protowire.AppendFixed32(value, math.Float32bits(float32(v)))
		summary = protowire.AppendTag(summary, 1, protowire.BytesType)
		summary = protowire.AppendBytes(summary, value)
	}
	e := event(float64(began)+rec.Seconds, rec.Step)
	e = protowire.AppendTag(e, 5, protowire.BytesType)
	return frame(protowire.AppendBytes(e, summary))
}

// event begins an Event.
func event(wall float64, step int) []byte {
	e := protowire.AppendTag(nil, 1, protowire.Fixed64Type)
	e = protowire.AppendFixed64(e, math.Float64bits(wall))
	e = protowire.AppendTag(e, 2, protowire.VarintType)
	return protowire.AppendVarint(e, uint64(step))
}

// frame makes data a record.
func frame(data []byte) string {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	b = binary.LittleEndian.AppendUint32(b, masked(b))
	b = append(b, data...)
	return string(binary.LittleEndian.AppendUint32(b, masked(data)))
}

// masked returns the CRC-32C of b, rotated by 15 bits and shifted by a constant, so that the checksum of a text which
// holds checksums is none of these.
func masked(b []byte) uint32 {
	c := crc32.Checksum(b, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)
