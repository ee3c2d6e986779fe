use std::collections::BTreeMap;

use kommo_client::{PipelineId, StatusId};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// The stage that means "won", per pipeline; Kommo's own 142 where a pipeline is not named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stages(BTreeMap<PipelineId, StatusId>);

impl Stages {
    /// The stage that a paid deal of this pipeline moves to.
    #[must_use]
    pub fn won(&self, pipeline: PipelineId) -> StatusId {
        self.0.get(&pipeline).copied().unwrap_or(StatusId::WON)
    }

    /// Names the stage that a paid deal of this pipeline moves to.
    pub fn set_won(&mut self, pipeline: PipelineId, status: StatusId) {
        self.0.insert(pipeline, status);
    }
}

impl Serialize for Stages {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            self.0.iter().map(|(pipeline, status)| (pipeline.to_string(), status.get())),
        )
    }
}

impl<'de> Deserialize<'de> for Stages {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // A key of a TOML table is text, whatever it looks like.
        let rows = BTreeMap::<String, u64>::deserialize(deserializer)?;
        let mut stages = Self::default();
        for (pipeline, status) in rows {
            let pipeline = match pipeline.parse() {
                Ok(0) | Err(_) => {
                    return Err(D::Error::custom(format!("`{pipeline}` is not a pipeline id")));
                }
                Ok(id) => PipelineId::new(id),
            };
            if status == StatusId::LOST.get() || status == 0 {
                return Err(D::Error::custom(format!("stage {status} cannot mean \"won\"")));
            }
            stages.set_won(pipeline, StatusId::new(status));
        }
        Ok(stages)
    }
}
