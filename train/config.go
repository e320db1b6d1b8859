package train

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/pkg/errors"

	"neocog/data"
	"neocog/internal/nearest"
	"neocog/models"
	"neocog/models/layers"
	"neocog/ops/conv"
)

// Digits is the Data of the embedded digits, which need no folder.
const Digits = "digits"

// A Config is everything that decides a run but the data itself. DefaultConfig
// makes one; ParseConfig reads it from YAML.
type Config struct {
	Model string `yaml:"model" json:"model"` // a name that models.Find knows
	// Classes, if not 0, gives the model a new last layer for so many classes, in the place of
	// what comes after the node Head: see models.Model.WithHead.
	Classes int    `yaml:"classes" json:"classes"`
	Head    string `yaml:"head" json:"head"`

	// Input, as 1x64x64, builds the model for images of other channels, height and width than
	// its own; empty for its own. What does not fit is the model's error.
	Input string `yaml:"input" json:"input"`

	Data string `yaml:"data" json:"data"` // see Load

	// The first so many images are used, 0 for all of them; where they come class after class,
	// as in folders, Seed draws them instead. Of the embedded digits so many are made, 0 for
	// 10,000 and 2,000.
	TrainImages int `yaml:"train_images" json:"train_images"`
	TestImages  int `yaml:"test_images" json:"test_images"`

	// ImageSize is the side, in pixels, to which the images of an image folder are brought;
	// 0 for the size that the model takes. Augment and Views may then cut these out.
	ImageSize int `yaml:"image_size" json:"image_size"`

	// Shape, as 3x32x32, is the channels, height and width to which images of any data are
	// brought, for a model that was made for others; see data.Set.As. Empty leaves them.
	Shape string `yaml:"shape" json:"shape"`

	// Validation is how many training images, drawn by Seed, are held out and
	// evaluated in the place of the test images; 0 for none.
	Validation int `yaml:"validation" json:"validation"`

	Normalize string `yaml:"normalize" json:"normalize"` // see Normalize

	// Augment is what happens to the training images, see data.ParseAugment; Views is
	// what predictions are averaged over, see data.ParseViews.
	Augment string `yaml:"augment" json:"augment"`
	Views   string `yaml:"views" json:"views"`

	Epochs      int     `yaml:"epochs" json:"epochs"`
	Batch       int     `yaml:"batch" json:"batch"` // images in a step
	Optimizer   string  `yaml:"optimizer" json:"optimizer"`
	LR          float64 `yaml:"lr" json:"lr"`                     // the base learning rate
	Schedule    string  `yaml:"schedule" json:"schedule"`         // see ParseSchedule
	Momentum    float64 `yaml:"momentum" json:"momentum"`         // of momentum, nesterov and lars; 0 for 0.9
	WeightDecay float64 `yaml:"weight_decay" json:"weight_decay"` // λ of L2, AdamW and LARS
	Groups      string  `yaml:"groups" json:"groups"`             // rates and decays of parameters by name; see ParseGroups
	ClipValue   float64 `yaml:"clip_value" json:"clip_value"`     // the most of a gradient's element; 0 for no limit
	ClipNorm    float64 `yaml:"clip_norm" json:"clip_norm"`       // the most of the norm of all gradients; 0 for no limit
	Lookahead   int     `yaml:"lookahead" json:"lookahead"`       // steps of the rule before Lookahead goes halfway back; 0 for none
	Average     float64 `yaml:"average" json:"average"`           // β of the mean of the weights that is evaluated and kept; 0 for the weights themselves
	MicroBatch  int     `yaml:"micro_batch" json:"micro_batch"`   // images computed at a time, whose gradients add up to those of the batch; 0 for all
	Explode     float64 `yaml:"explode" json:"explode"`           // stop when the cost is above so many times the original; 0 for never
	Smoothing   float64 `yaml:"smoothing" json:"smoothing"`       // of the labels
	Init        string  `yaml:"init" json:"init"`                 // see ParseInit; empty for the model's own

	Seed    uint64 `yaml:"seed" json:"seed"`
	Threads int    `yaml:"threads" json:"threads"` // 0 for GOMAXPROCS; changes no result
	Workers int    `yaml:"workers" json:"workers"` // goroutines that prepare batches ahead; changes no result
	Conv    string `yaml:"conv" json:"conv"`       // the convolution algorithm; empty for the best
	// Accuracy is the class of rounding errors within which the best algorithm is chosen: exact, default or fast; empty is default.
	Accuracy string `yaml:"accuracy" json:"accuracy"`
	Tune     string `yaml:"tune,omitempty" json:"tune,omitempty"` // a file of measured times, by which algorithms are chosen: see package tune

	// Patience ends a run when that many epochs have not been better than the best before them, by accuracy and
	// then by loss, on the test images or else on the training images; 0 for never.
	Patience int `yaml:"patience" json:"patience,omitempty"`

	// Checkpoint is when a run folder gets a checkpoint besides the ends of epochs: as 10m, after so much time, or as
	// 500, after so many steps; epoch is never, none is not at the ends either. Empty is 10m. It changes no result.
	Checkpoint  string `yaml:"checkpoint" json:"checkpoint,omitempty"`
	Keep        int    `yaml:"keep" json:"keep,omitempty"`               // how many checkpoints are kept, the last ones; 0 for 2
	TensorBoard bool   `yaml:"tensorboard" json:"tensorboard,omitempty"` // keep the metrics as an event file of TensorBoard, too
}

// DefaultConfig returns the configuration with which a model is trained where
// nothing else is said. Those of LeNet-5 and Compact are tuned: on MNIST they reach 99.0 to
// 99.2 % in three epochs, and in one. Those of AlexNet, ZFNet, the VGG nets and residual networks are
// their papers'.
func DefaultConfig(model string) Config {
	if m, err := models.Find(model); err == nil {
		model = m.Name // of an alias
	}
	c := Config{
		Model: model, Data: Digits, Normalize: MeanStd,
		Epochs: 4, Batch: 64, Optimizer: "nesterov", LR: 0.01, Schedule: "cosine:0.1", Explode: Explosion, Seed: 1, Workers: 1,
	}
	for _, p := range papers {
		if strings.HasPrefix(c.Model, p.prefix) && strings.HasSuffix(c.Model, p.suffix) {
			p.edit(&c)
		}
	}
	return c
}

// papers is how the papers train their networks, by the beginning and end of a model's
// name; a later row goes after an earlier one. Where the rate falls on a plateau, the epochs
// are about those of the paper.
var papers = []struct {
	prefix, suffix string
	edit           func(c *Config)
}{
	{"lenet5", "", func(c *Config) { c.LR, c.WeightDecay = 0.05, 5e-4 }},
	{"compact", "", func(c *Config) {
		c.Optimizer, c.LR, c.WeightDecay, c.Schedule, c.Smoothing, c.Epochs = "adamw", 0.01, 0.1, "one-cycle:0.2", 0.1, 1
	}},
	// Krizhevsky et al. 2012, section 5; Zeiler and Fergus 2014, section 3.
	{"alexnet", "", func(c *Config) { c.sgd(128, 0.01, 5e-4, "plateau", 90) }},
	{"zfnet", "", func(c *Config) { c.sgd(128, 0.01, 0, "plateau", 70) }},
	// Simonyan and Zisserman 2015, section 3.1.
	{"vgg", "", func(c *Config) { c.sgd(256, 0.01, 5e-4, "plateau", 74) }},
	// He et al. 2016, section 3.4, and 4.2 for CIFAR-10. The lecture prints a weight
	// decay of 1e-5; the paper has 1e-4.
	{"resnet", "", func(c *Config) { c.sgd(256, 0.1, 1e-4, "plateau", 120) }},
	{"resnet", "-cifar10", func(c *Config) { c.Batch, c.Epochs = 128, 164 }},
}

// sgd sets stochastic gradient descent with a momentum of 0.9.
func (c *Config) sgd(batch int, lr, decay float64, schedule string, epochs int) {
	c.Optimizer, c.Momentum = "momentum", 0.9
	c.Batch, c.LR, c.WeightDecay, c.Schedule, c.Epochs = batch, lr, decay, schedule, epochs
}

// ParseConfig reads YAML. Keys that are not there keep what DefaultConfig says for
// the model named, lenet5 if none is. An unknown key, a value of another type and a
// value out of range are errors, which show the line where there is one.
func ParseConfig(text []byte) (Config, error) { return parseConfig(text, true) }

// parseConfig is ParseConfig; source says whether errors show the text.
func parseConfig(text []byte, source bool) (Config, error) {
	if !utf8.Valid(text) || bytes.ContainsFunc(text, func(r rune) bool { return r != '\n' && r != '\r' && unicode.IsControl(r) && r != '\t' }) {
		return Config{}, errors.New("it is no text, want YAML")
	}
	// A first look at the model: the defaults depend on it.
	var head struct {
		Model string `yaml:"model"`
	}
	if err := yaml.Unmarshal(text, &head); err != nil {
		return Config{}, yamlError(err, source)
	}
	if head.Model == "" {
		head.Model = "lenet5"
	}
	c := DefaultConfig(head.Model)
	if err := yaml.UnmarshalWithOptions(text, &c, yaml.Strict()); err != nil {
		return Config{}, yamlError(err, source)
	}
	if c == (Config{}) { // a document without content empties what it is read into
		c = DefaultConfig(head.Model)
	}
	return c, c.Validate()
}

// yamlError keeps the line and the column, and with source the caret that the parser draws.
func yamlError(err error, source bool) error {
	text := strings.TrimSpace(yaml.FormatError(err, false, source))
	return errors.New(wrongType.ReplaceAllStringFunc(text, func(s string) string {
		m := wrongType.FindStringSubmatch(s)
		return fmt.Sprintf("want %s, got a %s", cmp.Or(kinds[m[2]], m[2]), m[1])
	}))
}

// wrongType matches how the parser calls a value of the wrong type, and kinds what the types are to a reader.
var (
	wrongType = regexp.MustCompile(`cannot unmarshal (\w+) into Go (?:struct field \S+|value) of type (\S+)`)
	kinds     = map[string]string{"int": "a whole number", "uint64": "a whole number from 0", "float64": "a number", "bool": "true or false", "string": "text"}
)

// YAML returns the text that ParseConfig reads.
func (c Config) YAML() ([]byte, error) { return yaml.Marshal(c) }

// maxImages bounds what a wrong number can ask for: images are kept in memory.
const maxImages = 1_000_000

// maxClasses is the most classes that a new last layer has.
const maxClasses = 1 << 20

// maxSide is the longest side of an image.
const maxSide = 1 << 15

// Validate returns what is wrong with c, without a look at models or data.
func (c Config) Validate() error {
	for _, f := range []struct {
		key  string
		ok   bool
		v    any
		want string
	}{
		{"train_images", c.TrainImages >= 0 && c.TrainImages <= maxImages, c.TrainImages, fmt.Sprintf("0 to %d", maxImages)},
		{"test_images", c.TestImages >= 0 && c.TestImages <= maxImages, c.TestImages, fmt.Sprintf("0 to %d", maxImages)},
		{"classes", c.Classes >= 0 && c.Classes <= maxClasses, c.Classes, fmt.Sprintf("0 to %d", maxClasses)},
		{"image_size", c.ImageSize >= 0 && c.ImageSize <= maxSide, c.ImageSize, fmt.Sprintf("0 to %d", maxSide)},
		{"validation", c.Validation >= 0 && c.Validation <= maxImages, c.Validation, fmt.Sprintf("0 to %d", maxImages)},
		{"epochs", c.Epochs >= 1, c.Epochs, "at least 1"},
		{"batch", c.Batch >= 1, c.Batch, "at least 1"},
		{"lr", c.LR > 0 && !math.IsInf(c.LR, 0), c.LR, "a positive number"},
		{"momentum", c.Momentum >= 0 && c.Momentum < 1, c.Momentum, "at least 0 and less than 1"},
		{"weight_decay", c.WeightDecay >= 0 && !math.IsInf(c.WeightDecay, 0), c.WeightDecay, "at least 0"},
		{"clip_value", c.ClipValue >= 0 && !math.IsInf(c.ClipValue, 0), c.ClipValue, "at least 0"},
		{"clip_norm", c.ClipNorm >= 0 && !math.IsInf(c.ClipNorm, 0), c.ClipNorm, "at least 0"},
		{"lookahead", c.Lookahead >= 0, c.Lookahead, "at least 0"},
		{"average", c.Average >= 0 && c.Average < 1, c.Average, "at least 0 and less than 1"},
		{"micro_batch", c.MicroBatch >= 0, c.MicroBatch, "at least 0"},
		{"explode", c.Explode == 0 || c.Explode > 1 && !math.IsInf(c.Explode, 0), c.Explode, "0, or more than 1"},
		{"smoothing", c.Smoothing >= 0 && c.Smoothing < 1, c.Smoothing, "at least 0 and less than 1"},
		{"patience", c.Patience >= 0, c.Patience, "at least 0"},
		{"keep", c.Keep >= 0, c.Keep, "at least 0"},
		{"workers", c.Workers >= 0 && c.Workers <= data.MaxWorkers, c.Workers, fmt.Sprintf("0 to %d", data.MaxWorkers)},
		{"threads", c.Threads >= 0 && c.Threads <= maxThreads, c.Threads, fmt.Sprintf("0 to %d", maxThreads)},
	} {
		if !f.ok {
			return errors.Errorf("%s is %v, want %s", f.key, f.v, f.want)
		}
	}
	if c.Head != "" && c.Classes == 0 {
		return errors.Errorf("head is %q, but classes is 0: a new last layer wants the number of its classes", c.Head)
	}
	if _, err := parseShape("shape", c.Shape); err != nil {
		return err
	}
	if _, err := parseShape("input", c.Input); err != nil {
		return err
	}
	if data.IsCSV(c.Data) {
		if _, err := data.ParseCSV(c.Data); err != nil {
			return err
		}
	}
	if _, err := c.optimizer(); err != nil {
		return err
	}
	if _, err := ParseSchedule(c.Schedule); err != nil {
		return err
	}
	if _, err := ParseInit(c.Init); err != nil {
		return err
	}
	if _, err := ParseGroups(c.Groups); err != nil {
		return err
	}
	if _, err := data.ParseAugment(c.Augment); err != nil {
		return err
	}
	if _, err := data.ParseViews(c.Views); err != nil {
		return err
	}
	if _, err := c.normalizer(); err != nil {
		return err
	}
	if _, err := parseInterval(c.Checkpoint); err != nil {
		return err
	}
	if _, err := c.accuracy(); err != nil {
		return err
	}
	_, err := c.algorithms()
	return err
}

// maxThreads keeps a slip of the keyboard from starting a million goroutines.
const maxThreads = 1024

// optimizer returns the rule, with the momentum and the lookahead of c.
func (c Config) optimizer() (Optimizer, error) {
	o, err := c.rule()
	if err == nil && c.Lookahead > 0 {
		o = Lookahead{Inner: o, Steps: c.Lookahead}
	}
	return o, err
}

func (c Config) rule() (Optimizer, error) {
	o, err := FindOptimizer(c.Optimizer)
	if err != nil {
		return nil, err
	}
	switch o.(type) {
	case Momentum:
		return Momentum{Mu: c.Momentum}, nil
	case Nesterov:
		return Nesterov{Mu: c.Momentum}, nil
	case LARS:
		return LARS{Mu: c.Momentum}, nil
	}
	if c.Momentum != 0 {
		return nil, errors.Errorf("momentum is %v, but the optimizer %s has none; momentum, nesterov and lars do", c.Momentum, c.Optimizer)
	}
	return o, nil
}

// algorithms returns what goes before the default convolution algorithms.
func (c Config) algorithms() ([]conv.Algorithm, error) {
	if c.Conv == "" {
		return nil, nil
	}
	a, err := conv.Find(c.Conv)
	return []conv.Algorithm{a}, err
}

// accuracy returns the class of rounding errors of convolutions.
func (c Config) accuracy() (conv.Accuracy, error) {
	if c.Accuracy == "" {
		return conv.DefaultAccuracy, nil
	}
	return conv.ParseAccuracy(c.Accuracy)
}

// ParseInit reads how weights start: he, xavier, xavier-uniform, lecun,
// orthogonal[:GAIN], normal:STD or constant:VALUE. The empty text gives nil, the
// model's own.
func ParseInit(s string) (layers.Initializer, error) {
	name, arg, has := strings.Cut(s, ":")
	v := 1.0
	if has {
		var err error
		if v, err = strconv.ParseFloat(arg, 64); err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
			return nil, errors.Errorf("init %q: %q is no number", s, arg)
		}
	}
	plain := map[string]layers.Initializer{
		"he": layers.He, "xavier": layers.Xavier, "xavier-uniform": layers.XavierUniform, "lecun": layers.LeCun,
	}
	switch {
	case s == "":
		return nil, nil
	case plain[name] != nil:
		if has {
			return nil, errors.Errorf("init %q: %s takes no number", s, name)
		}
		return plain[name], nil
	case name == "orthogonal":
		return layers.Orthogonal(v), nil
	case name == "normal" && has:
		if v < 0 {
			return nil, errors.Errorf("init %q: the standard deviation is %v, want at least 0", s, v)
		}
		return layers.Normal(v), nil
	case name == "constant" && has:
		return layers.Constant(v), nil
	case name == "normal" || name == "constant":
		return nil, errors.Errorf("init %q wants a number, as %s:0.01", s, name)
	}
	return nil, nearest.Unknown("init", name, []string{"he", "xavier", "xavier-uniform", "lecun", "orthogonal", "normal", "constant"})
}

// The values of Config.Normalize.
const (
	MeanStd   = "mean-std"   // data.ChannelMeanStd: each channel has mean 0 and variance 1
	ImageNet  = "imagenet"   // the means and deviations of ImageNet's channels, as most pretrained networks want
	PixelMean = "pixel-mean" // data.PixelMean: each pixel has mean 0, levels are divided by 255
	MeanOnly  = "mean"       // each pixel has mean 0, levels stay within ±255, as in the CS231n lectures
	None      = "none"       // grey levels 0 … 255
)

func (c Config) normalizer() (func(*data.Set) data.Normalizer, error) {
	switch c.Normalize {
	case MeanStd:
		return data.ChannelMeanStd, nil
	case ImageNet:
		return func(*data.Set) data.Normalizer {
			return data.Normalizer{Mean: []float32{0.485 * 255, 0.456 * 255, 0.406 * 255},
				Scale: []float32{1 / (0.229 * 255), 1 / (0.224 * 255), 1 / (0.225 * 255)}}
		}, nil
	case PixelMean:
		return data.PixelMean, nil
	case MeanOnly:
		return func(s *data.Set) data.Normalizer { return data.Normalizer{Mean: data.PixelMean(s).Mean} }, nil
	case None:
		return func(*data.Set) data.Normalizer { return data.Normalizer{} }, nil
	}
	return nil, nearest.Unknown("normalize", c.Normalize, []string{MeanStd, ImageNet, PixelMean, MeanOnly, None})
}

// Normalize returns the normaliser that c asks for, measured on the training set.
func Normalize(c Config, set *data.Set) (data.Normalizer, error) {
	n, err := c.normalizer()
	if err != nil {
		return data.Normalizer{}, err
	}
	return n(set), nil
}
