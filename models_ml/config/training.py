"""How the networks of each fold are trained, as data."""

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from models_ml.config_base import Config, located


class TrainConfig(Config):
    """How each fold is trained."""

    epochs: int = Field(
        30, ge=1, le=2000, title="Epochs", description="Passes over the training samples, at most."
    )
    epoch_choice: Literal["last", "validation"] = Field(
        "last",
        title="Epoch that counts",
        description="last: after all epochs; validation: the epoch with the smallest loss on inner validation subjects, "
        "who are taken from the training part of each fold and trained on in none of its epochs.",
    )
    validation_share: float = Field(
        0.2,
        gt=0,
        le=0.5,
        title="Validation subjects",
        description="Share of a fold's training subjects kept for choosing the epoch.",
    )
    batch_size: int = Field(16, ge=1, le=4096, title="Batch size", description="Samples in one step.")
    optimizer: Literal["adam", "sgd"] = Field(
        "adam", title="Optimiser", description="adam: Adam with decoupled weight decay; sgd: momentum 0.9."
    )
    learning_rate: float = Field(
        2e-3, ge=1e-6, le=1, title="Learning rate", description="The largest, at the start."
    )
    schedule: Literal["cosine", "constant", "step"] = Field(
        "cosine",
        title="Schedule",
        description="cosine: falls to zero along a half cosine; step: a tenth after half of the steps, a hundredth after "
        "three quarters; constant.",
    )
    warmup: int = Field(
        0, ge=0, le=200, title="Warm-up", description="Epochs in which the learning rate rises from zero."
    )
    weight_decay: float = Field(
        1e-3, ge=0, le=1, title="Weight decay", description="Shrinks weights, against overfitting."
    )
    ema: float = Field(
        0,
        ge=0,
        le=0.9999,
        title="Weight average",
        description="Decay a step of an exponential moving average of the weights, which then predicts; 0: none.",
    )
    loss: Literal["cross_entropy", "focal"] = Field(
        "cross_entropy", title="Loss", description="focal: hard samples weigh more (Lin et al., ICCV 2017)."
    )
    focal_gamma: float = Field(
        2.0,
        ge=0,
        le=10,
        title="Focal exponent",
        description="How much easy samples lose of their weight; focal loss only.",
    )
    label_smoothing: float = Field(
        0, ge=0, le=0.5, title="Label smoothing", description="Share of each label spread over all classes."
    )
    class_weights: Literal["balanced", "none"] = Field(
        "balanced",
        title="Class weights",
        description="balanced: each class of the training samples weighs the same in the loss.",
    )
    sampling: Literal["shuffle", "balanced"] = Field(
        "shuffle",
        title="Sampling",
        description="shuffle: every sample once an epoch; balanced: each batch is drawn again from its own samples, with "
        "replacement, each class as likely as the others.",
    )
    flip: bool = Field(
        True,
        title="Flip",
        description="Mirror half of the training samples at random; horizontal motion changes its sign.",
    )
    shift: float = Field(
        0,
        ge=0,
        le=0.25,
        title="Shift",
        description="Largest random shift of the face, as a share of its size.",
    )
    rotate: float = Field(
        0,
        ge=0,
        le=45,
        title="Rotation",
        description="Largest random rotation in degrees; motion turns with the face.",
    )
    amplitude: float = Field(
        0,
        ge=0,
        le=0.9,
        title="Amplitude",
        description="Motion is made up to this share stronger or weaker at random.",
    )
    apex_jitter: int = Field(
        0,
        ge=0,
        le=10,
        title="Apex jitter",
        description="Frames by which the apex is moved at random, earlier or later, within onset and offset. Clips only.",
    )
    mixup: float = Field(
        0,
        ge=0,
        le=2,
        title="Mixup",
        description="Pairs of samples are blended by shares drawn from Beta(α, α) (Zhang et al., ICLR 2018); 0: none.",
    )
    oracle: bool = Field(
        False,
        title="Oracle epoch",
        description="Also record what each epoch would say of the held-out samples. A leaky diagnostic to compare with "
        "papers that pick the best epoch on the test subject; it changes no result.",
    )

    @field_validator("warmup")
    @classmethod
    def _check_warmup(cls, warmup: int, info: ValidationInfo) -> int:
        epochs = info.data.get("epochs")
        if epochs is not None and warmup >= epochs:
            raise located((), warmup, f"a warm-up of {warmup} epochs leaves none of the {epochs} to train in")
        return warmup
