import httpx
import asyncio
import time

class VideoGeneratorClient:
    def __init__(self, base_url="http://localhost:8000/api"):
        self.base_url = base_url
        self.client = httpx.AsyncClient()
    
    async def generate_video(self, prompt, duration=10, width=1920, height=1080):
        """Generate a video from a prompt."""
        response = await self.client.post(
            f"{self.base_url}/generate",
            json={
                "prompt": prompt,
                "duration": duration,
                "width": width,
                "height": height
            }
        )
        response.raise_for_status()
        return response.json()
    
    async def get_status(self, job_id):
        """Check the status of a generation job."""
        response = await self.client.get(f"{self.base_url}/status/{job_id}")
        response.raise_for_status()
        return response.json()
    
    async def download_video(self, file_id, output_path):
        """Download a generated video."""
        response = await self.client.get(f"{self.base_url}/download/{file_id}")
        response.raise_for_status()
        
        with open(output_path, 'wb') as f:
            f.write(response.content)
    
    async def generate_and_wait(self, prompt, **kwargs):
        """Generate video and wait for completion."""
        # Start generation
        result = await self.generate_video(prompt, **kwargs)
        job_id = result["job_id"]
        
        # Poll for completion
        while True:
            status = await self.get_status(job_id)
            
            if status["status"] == "completed":
                return status
            elif status["status"] == "failed":
                raise Exception(f"Generation failed: {status.get('error')}")
            
            await asyncio.sleep(2)  # Wait 2 seconds before next poll

# Usage example
async def main():
    client = VideoGeneratorClient()
    
    try:
        result = await client.generate_and_wait(
            "A peaceful mountain lake at sunset"
        )
        
        # Extract file ID from video URL
        video_url = result["video_url"]
        file_id = video_url.split("/")[-1]
        
        # Download the video
        await client.download_video(file_id, "generated_video.mp4")
        print("Video downloaded successfully!")
        
    except Exception as e:
        print(f"Error: {e}")

# Run the example
asyncio.run(main())
