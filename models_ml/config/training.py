"""How each fold is trained, as data."""

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from models_ml.config_base import Config, located


class TrainConfig(Config):
    """How each fold is trained."""

    epochs: int = Field(30, ge=1, le=2000, title="Epochs", description="Passes over the training samples.")
    epoch_choice: Literal["last", "validation"] = Field(
        "last",
        title="Chosen epoch",
        description="The epoch whose weights predict. last: the last one; validation: the one with the smallest loss on "
        "validation subjects, who are taken out of each fold's training part.",
    )
    validation_share: float = Field(
        0.2,
        gt=0,
        le=0.5,
        title="Validation subjects",
        description="Share of each fold's training subjects that is kept out of training to choose the epoch.",
    )
    batch_size: int = Field(16, ge=1, le=4096, title="Batch size", description="Samples per step.")
    optimizer: Literal["adam", "sgd"] = Field(
        "adam",
        title="Optimiser",
        description="adam: Adam with decoupled weight decay; sgd: stochastic gradient descent with momentum 0.9.",
    )
    learning_rate: float = Field(
        2e-3,
        ge=1e-6,
        le=1,
        title="Learning rate",
        description="Largest learning rate, before the schedule reduces it.",
    )
    schedule: Literal["cosine", "constant", "step"] = Field(
        "cosine",
        title="Schedule",
        description="cosine: falls to zero along a half cosine; constant: stays; step: falls to a tenth after half of the "
        "steps and to a hundredth after three quarters.",
    )
    warmup: int = Field(
        0, ge=0, le=200, title="Warm-up", description="Epochs during which the learning rate rises from zero."
    )
    weight_decay: float = Field(
        1e-3,
        ge=0,
        le=1,
        title="Weight decay",
        description="Shrinks the weights at each step, against overfitting.",
    )
    ema: float = Field(
        0,
        ge=0,
        le=0.9999,
        title="Weight average",
        description="Decay per step of an exponential moving average of the weights. The averaged weights predict. "
        "0: no average.",
    )
    loss: Literal["cross_entropy", "focal"] = Field(
        "cross_entropy", title="Loss", description="focal: hard samples weigh more (Lin et al., ICCV 2017)."
    )
    focal_gamma: float = Field(
        2.0,
        ge=0,
        le=10,
        title="Focal exponent",
        description="How strongly easy samples lose weight; focal loss only.",
    )
    label_smoothing: float = Field(
        0,
        ge=0,
        le=0.5,
        title="Label smoothing",
        description="Share of each label that is spread over all classes.",
    )
    class_weights: Literal["balanced", "none"] = Field(
        "balanced",
        title="Class weights",
        description="balanced: each class of the training samples has the same total weight in the loss.",
    )
    sampling: Literal["shuffle", "balanced"] = Field(
        "shuffle",
        title="Sampling",
        description="shuffle: each sample once per epoch; balanced: each batch is resampled from its own samples, with "
        "replacement, so that each class is equally likely.",
    )
    flip: bool = Field(
        True,
        title="Flip",
        description="Mirror a random half of the training samples and negate their horizontal motion.",
    )
    shift: float = Field(
        0,
        ge=0,
        le=0.25,
        title="Shift",
        description="Largest random shift of the face, as a share of the image size.",
    )
    rotate: float = Field(
        0,
        ge=0,
        le=45,
        title="Rotation",
        description="Largest random rotation in degrees; motion vectors turn with the face.",
    )
    amplitude: float = Field(
        0,
        ge=0,
        le=0.9,
        title="Amplitude",
        description="Motion becomes stronger or weaker at random, by up to this share.",
    )
    apex_jitter: int = Field(
        0,
        ge=0,
        le=10,
        title="Apex jitter",
        description="Frames by which the apex moves at random, earlier or later, between onset and offset; clips only.",
    )
    mixup: float = Field(
        0,
        ge=0,
        le=2,
        title="Mixup",
        description="α of the Beta distribution of the shares that blend two samples (Zhang et al., ICLR 2018); 0: none.",
    )
    oracle: bool = Field(
        False,
        title="Oracle epoch",
        description="Also record what each epoch predicts for the held-out samples. This leaky diagnostic only serves to "
        "compare with papers that choose the best epoch on the test subject; it changes no result.",
    )

    @field_validator("warmup")
    @classmethod
    def _check_warmup(cls, warmup: int, info: ValidationInfo) -> int:
        epochs = info.data.get("epochs")
        if epochs is not None and warmup >= epochs:
            raise located(
                (), warmup, f"A warm-up of {warmup} epochs leaves none of the {epochs} epochs to train in."
            )
        return warmup
