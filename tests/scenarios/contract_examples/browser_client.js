// Generate video
async function generateVideo(prompt, duration = 10) {
  try {
    const response = await fetch('/api/generate', {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
      },
      body: JSON.stringify({
        prompt: prompt,
        duration: duration
      })
    });
    
    const data = await response.json();
    
    if (response.ok) {
      return data.job_id;
    } else {
      throw new Error(data.detail);
    }
  } catch (error) {
    console.error('Error generating video:', error);
    throw error;
  }
}

// Poll for status
async function pollJobStatus(jobId) {
  const response = await fetch(`/api/status/${jobId}`);
  const data = await response.json();
  
  if (response.ok) {
    return data;
  } else {
    throw new Error(data.detail);
  }
}

// Usage example
async function createVideo() {
  try {
    const jobId = await generateVideo("A cat playing with a ball");
    
    // Poll for completion
    let status = await pollJobStatus(jobId);
    
    while (status.status === 'queued' || status.status === 'processing') {
      await new Promise(resolve => setTimeout(resolve, 2000)); // Wait 2 seconds
      status = await pollJobStatus(jobId);
    }
    
    if (status.status === 'completed') {
      console.log('Video ready:', status.video_url);
    } else {
      console.error('Generation failed:', status.error);
    }
  } catch (error) {
    console.error('Error:', error);
  }
}
