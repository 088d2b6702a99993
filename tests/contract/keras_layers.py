"""Every layer of keras.layers that has weights, or something to draw from: a way to make it.

By the layer's name: the shape of an example, and a function that makes the layer. What has
other names in Keras too (Convolution2D) is here once.
"""

import keras
from keras import layers as kl

ROW, SEQUENCE, PICTURE, FILM = (6,), (5, 4), (6, 6, 3), (4, 4, 4, 2)
FILMS = {1: (3, 6, 2), 2: (3, 5, 5, 2), 3: (3, 4, 4, 4, 2)}  # frames first
BY_DIMENSION = {1: SEQUENCE, 2: PICTURE, 3: FILM}


def _attention(make):
    """Return a layer of three inputs as a layer of one."""
    inputs = keras.Input(SEQUENCE)
    return keras.Model(inputs, make()(inputs, inputs), name="attends")


WEIGHTS = {
    **{
        f"Conv{n}D": (s, lambda n=n: getattr(kl, f"Conv{n}D")(2, 2))
        for n, s in BY_DIMENSION.items()
    },
    **{
        f"Conv{n}DTranspose": (s, lambda n=n: getattr(kl, f"Conv{n}DTranspose")(2, 2))
        for n, s in BY_DIMENSION.items()
    },
    **{
        f"ConvLSTM{n}D": (s, lambda n=n: getattr(kl, f"ConvLSTM{n}D")(2, 2))
        for n, s in FILMS.items()
    },
    **{
        f"{kind}Conv{n}D": (s, lambda kind=kind, n=n, a=a: getattr(kl, f"{kind}Conv{n}D")(*a))
        for kind, a in (("Depthwise", (2,)), ("Separable", (2, 2)))
        for n, s in ((1, SEQUENCE), (2, PICTURE))
    },
    "AdditiveAttention": (SEQUENCE, lambda: _list(kl.AdditiveAttention())),
    "Attention": (SEQUENCE, lambda: _list(kl.Attention(use_scale=True))),
    "BatchNormalization": (ROW, lambda: kl.BatchNormalization(renorm=True)),
    "Bidirectional": (SEQUENCE, lambda: kl.Bidirectional(kl.LSTM(3))),
    "Dense": (ROW, lambda: kl.Dense(4, bias_initializer="uniform")),
    "EinsumDense": (ROW, lambda: kl.EinsumDense("ab,bc->ac", 4, bias_axes="c")),
    "Embedding": (ROW, lambda: kl.Embedding(9, 3)),
    "GRU": (SEQUENCE, lambda: kl.GRU(3)),
    "GRUCell": (SEQUENCE, lambda: kl.RNN(kl.GRUCell(3))),
    "GroupNormalization": (PICTURE, lambda: kl.GroupNormalization(3)),
    "GroupQueryAttention": (SEQUENCE, lambda: _attention(lambda: kl.GroupQueryAttention(4, 4, 2))),
    "LSTM": (SEQUENCE, lambda: kl.LSTM(3, bias_initializer="uniform")),
    "LSTMCell": (SEQUENCE, lambda: kl.RNN(kl.LSTMCell(3))),
    "LayerNormalization": (ROW, lambda: kl.LayerNormalization(gamma_initializer="uniform")),
    "MultiHeadAttention": (SEQUENCE, lambda: _attention(lambda: kl.MultiHeadAttention(2, 3))),
    "Normalization": (ROW, lambda: kl.Normalization()),
    "PReLU": (ROW, lambda: kl.PReLU("uniform")),
    "RMSNormalization": (ROW, lambda: kl.RMSNormalization()),
    "RNN": (SEQUENCE, lambda: kl.RNN([kl.GRUCell(3), kl.SimpleRNNCell(3)])),
    "ReversibleEmbedding": (ROW, lambda: kl.ReversibleEmbedding(9, 3, tie_weights=False)),
    "SimpleRNN": (SEQUENCE, lambda: kl.SimpleRNN(3)),
    "SimpleRNNCell": (SEQUENCE, lambda: kl.RNN(kl.SimpleRNNCell(3))),
    "SpectralNormalization": (ROW, lambda: kl.SpectralNormalization(kl.Dense(4))),
    "StackedRNNCells": (
        SEQUENCE,
        lambda: kl.RNN(kl.StackedRNNCells([kl.LSTMCell(3), kl.LSTMCell(2)])),
    ),
    "TimeDistributed": (SEQUENCE, lambda: kl.TimeDistributed(kl.Dense(3))),
}
DRAWS = {
    **{
        name: (ROW, lambda name=name: getattr(kl, name)(0.5))
        for name in ("AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise")
    },
    **{
        f"SpatialDropout{n}D": (s, lambda n=n: getattr(kl, f"SpatialDropout{n}D")(0.5))
        for n, s in BY_DIMENSION.items()
    },
    **{
        name: (PICTURE, lambda name=name: getattr(kl, name)(0.5))
        for name in (
            "RandomBrightness",
            "RandomContrast",
            "RandomElasticTransform",
            "RandomErasing",
            "RandomGrayscale",
            "RandomHue",
            "RandomInvert",
            "RandomPerspective",
            "RandomPosterization",
            "RandomRotation",
            "RandomSharpness",
            "RandomShear",
            "RandomZoom",
        )
    },
    **{
        name: (PICTURE, lambda name=name: getattr(kl, name)())
        for name in ("AugMix", "CutMix", "MixUp", "RandAugment", "RandomFlip", "RandomGaussianBlur")
    },
    "RandomColorDegeneration": (PICTURE, lambda: kl.RandomColorDegeneration(0.5)),
    "RandomColorJitter": (PICTURE, lambda: kl.RandomColorJitter(brightness_factor=0.5)),
    "RandomCrop": (PICTURE, lambda: kl.RandomCrop(4, 4)),
    "RandomSaturation": (PICTURE, lambda: kl.RandomSaturation(0.5)),
    "RandomTranslation": (PICTURE, lambda: kl.RandomTranslation(0.5, 0.5)),
}
# Neither weights nor draws, or nothing that a trial could train.
WITHOUT = {
    *("Activation", "ActivityRegularization", "Add", "AutoContrast", "Average", "CategoryEncoding"),
    *(
        "CenterCrop",
        "Concatenate",
        "ContrastLimitedAdaptiveHistogramEqualization",
        "Discretization",
    ),
    *(
        "Dot",
        "ELU",
        "Equalization",
        "Flatten",
        "FlaxLayer",
        "HashedCrossing",
        "Hashing",
        "Identity",
    ),
    *("InputLayer", "IntegerLookup", "JaxLayer", "Lambda", "Layer", "LeakyReLU", "Masking"),
    *("MaxNumBoundingBoxes", "Maximum", "MelSpectrogram", "Minimum", "Multiply", "Permute"),
    *("Pipeline", "ReLU", "RepeatVector", "Rescaling", "Reshape", "Resizing", "STFTSpectrogram"),
    *("Softmax", "Solarization", "StringLookup", "Subtract", "TFSMLayer", "TextVectorization"),
    *("TorchModuleWrapper", "UnitNormalization", "Wrapper"),
    *(f"{kind}{n}D" for kind in ("Cropping", "UpSampling", "ZeroPadding") for n in (1, 2, 3)),
    *(
        f"{kind}Pooling{n}D"
        for kind in (
            "AdaptiveAverage",
            "AdaptiveMax",
            "Average",
            "GlobalAverage",
            "GlobalMax",
            "Max",
        )
        for n in (1, 2, 3)
    ),
}
NETWORKS = {
    "MobileNetV2": {"alpha": 0.35},
    "MobileNetV3Small": {},
    "EfficientNetB0": {},
}


class _List(kl.Layer):
    """Gives a layer its one input twice."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def build(self, shape):
        self.layer.build([shape, shape])

    def call(self, inputs):
        return self.layer([inputs, inputs])


def _list(layer):
    return _List(layer)


def build(shape, outputs, norm, *, layer):
    """Return a model of one of the layers, or of one of Keras's networks."""
    examples = keras.Input(shape, name="examples")
    if layer in NETWORKS:
        network = getattr(keras.applications, layer)
        x = network(include_top=False, weights=None, input_shape=shape, **NETWORKS[layer])(examples)
    else:
        x = (WEIGHTS | DRAWS)[layer][1]()(examples)
    x = norm(kl.Flatten(name="flat")(x), name="norm", activation="relu")
    return keras.Model(examples, kl.Dense(outputs, name="outputs")(x))
